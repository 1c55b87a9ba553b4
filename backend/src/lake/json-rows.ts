import { ArmorlakeError } from '../core/index.js';
import type { RowValue } from '../engine/host.js';
import type { Column, Table } from './schema.js';
import { tableName } from './schema.js';

/** A row as it crosses the RPC: by column name; µs since 1970 for TIMESTAMP, an object for MAP; what is missing is NULL. */
export type JsonRow = Readonly<Record<string, unknown>>;

/** The row's values in the order of the table's columns; `node` is filled in where the row doesn't say it. */
export function rowValues(table: Table, row: JsonRow, node: string): readonly RowValue[] {
  const unknown = Object.keys(row).find((name) => !table.columns.some((column) => column.name === name));
  if (unknown !== undefined) {
    throw new ArmorlakeError('BAD_REQUEST', `${tableName(table)} has no column ${unknown}.`);
  }
  return table.columns.map((column) => {
    const value = row[column.name];
    if (value === undefined || value === null) return column.name === 'node' ? node : null;
    return cell(table, column, value);
  });
}

function cell(table: Table, column: Column, value: unknown): RowValue {
  switch (column.type) {
    case 'VARCHAR':
      if (typeof value === 'string') return value;
      break;
    case 'BOOLEAN':
      if (typeof value === 'boolean') return value;
      break;
    case 'UTINYINT':
    case 'INTEGER':
    case 'BIGINT':
    case 'DOUBLE':
    case 'TIMESTAMP':
      if (typeof value === 'number' && Number.isFinite(value)) return value;
      break;
    case 'VARCHAR[]':
      if (Array.isArray(value)) return value.map(String);
      break;
    case 'MAP(VARCHAR, VARCHAR)':
      if (typeof value === 'object' && value !== null) {
        return new Map(Object.entries(value).map(([key, each]) => [key, String(each)]));
      }
      break;
    case 'BLOB':
      break;
  }
  throw new ArmorlakeError('BAD_REQUEST', `${tableName(table)}.${column.name} takes ${column.type}.`);
}
