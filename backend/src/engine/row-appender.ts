import { DuckDBTimestampValue, MAP, LIST, VARCHAR, listValue, mapValue } from '@duckdb/node-api';
import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';

/** A value by its column's type: µs since 1970 for TIMESTAMP, pairs for MAP(VARCHAR, VARCHAR), bytes for BLOB. */
export type RowValue =
  string | number | bigint | boolean | Uint8Array | readonly string[] | ReadonlyMap<string, string> | null;

type AppendValue = (appender: DuckDBAppender, value: Exclude<RowValue, null>) => void;

const byType: Readonly<Record<string, AppendValue>> = {
  VARCHAR: (appender, value) => appender.appendVarchar(typeof value === 'string' ? value : wrong('text', value)),
  BLOB: (appender, value) => appender.appendBlob(value instanceof Uint8Array ? value : wrong('bytes', value)),
  BOOLEAN: (appender, value) => appender.appendBoolean(typeof value === 'boolean' ? value : wrong('a boolean', value)),
  UTINYINT: (appender, value) => appender.appendUTinyInt(number(value)),
  INTEGER: (appender, value) => appender.appendInteger(number(value)),
  BIGINT: (appender, value) => appender.appendBigInt(integer(value)),
  HUGEINT: (appender, value) => appender.appendHugeInt(integer(value)),
  DOUBLE: (appender, value) => appender.appendDouble(number(value)),
  TIMESTAMP: (appender, value) => appender.appendTimestamp(new DuckDBTimestampValue(BigInt(Math.trunc(number(value))))),
  'VARCHAR[]': (appender, value) =>
    appender.appendList(listValue(Array.isArray(value) ? value.map(String) : wrong('a list', value)), LIST(VARCHAR)),
  'MAP(VARCHAR, VARCHAR)': (appender, value) =>
    appender.appendMap(
      mapValue(value instanceof Map ? [...value].map(([key, each]) => ({ key, value: each })) : wrong('a map', value)),
      MAP(VARCHAR, VARCHAR),
    ),
};

function number(value: RowValue): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : wrong('a number', value);
}

function integer(value: RowValue): bigint {
  return typeof value === 'bigint' ? value : BigInt(Math.trunc(number(value)));
}

function wrong(expected: string, value: RowValue): never {
  throw new TypeError(`Expected ${expected}, got ${typeof value}`);
}

/** Appends few rows, value by value, within the transaction open on its connection. */
export class RowAppender {
  readonly #appender: DuckDBAppender;
  readonly #append: readonly AppendValue[];

  private constructor(appender: DuckDBAppender, types: readonly string[]) {
    this.#appender = appender;
    this.#append = types.map((type) => byType[type] ?? wrong('a column type of the lake', type));
  }

  /** `types` are the table's column types in DuckDB's spelling, in the order of its columns. */
  static async create(
    connection: DuckDBConnection,
    catalog: string,
    schema: string,
    table: string,
    types: readonly string[],
  ): Promise<RowAppender> {
    return new RowAppender(await connection.createAppender(table, schema, catalog), types);
  }

  append(values: readonly RowValue[]): void {
    this.#append.forEach((append, index) => {
      const value = values[index];
      if (value === undefined || value === null) this.#appender.appendNull();
      else append(this.#appender, value);
    });
    this.#appender.endRow();
  }

  /** Hands what was appended to the open transaction. */
  flush(): void {
    this.#appender.flushSync();
  }

  close(): void {
    this.#appender.closeSync();
  }
}
