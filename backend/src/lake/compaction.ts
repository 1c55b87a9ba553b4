import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteQualified } from '../core/index.js';
import { RowAppender } from '../engine/host.js';
import type { RowValue } from '../engine/host.js';
import { LAKE_CATALOG } from './migrations.js';
import { tableName } from './schema.js';
import { ledger } from './tables.js';
import { addToTotals } from './totals.js';

const ledgerTable = quoteQualified(LAKE_CATALOG, ledger.schema, ledger.name);
const HOUR_MICROS = 3_600_000_000;

/** Hours a start looks back for ledger rows that an earlier run left uncompacted. */
const LOOK_BACK_HOURS = 48;

/** Sums the ledger rows of closed hours to one a minute, connector, stream and reason. */
export class LedgerCompaction {
  #doneMicros: number | null = null;

  /** Runs one transaction an hour that needs it, on a connection that is the only writer now; returns rows saved. */
  async run(connection: DuckDBConnection, nowMicros: number): Promise<number> {
    const end = Math.floor(nowMicros / HOUR_MICROS) * HOUR_MICROS;
    // A clock that was set ahead for a while would else have hours without end to look through.
    const start = Math.max(this.#doneMicros ?? 0, end - LOOK_BACK_HOURS * HOUR_MICROS);
    let saved = 0;
    for (let hour = start; hour < end; hour += HOUR_MICROS) saved += await compactHour(connection, hour);
    this.#doneMicros = end;
    return saved;
  }
}

async function compactHour(connection: DuckDBConnection, hour: number): Promise<number> {
  const within = `minute >= make_timestamp(${hour}::BIGINT) AND minute < make_timestamp(${hour + HOUR_MICROS}::BIGINT)`;
  const read = await connection.runAndReadAll(
    'SELECT epoch_us(minute)::DOUBLE AS minute_micros, node, connector, stream, sum(received)::DOUBLE, sum(stored)::DOUBLE, ' +
      'sum(dead_lettered)::DOUBLE, sum(dropped)::DOUBLE, reason, count(*)::DOUBLE ' +
      `FROM ${ledgerTable} WHERE ${within} GROUP BY ALL ORDER BY minute_micros`,
  );
  const sums = read.getRowsJS();
  const before = sums.reduce((total, row) => total + Number(row[9]), 0);
  if (before === sums.length) return 0;
  await connection.run('BEGIN');
  try {
    await connection.run(`DELETE FROM ${ledgerTable} WHERE ${within}`);
    const types = ledger.columns.map((column) => column.type);
    const appender = await RowAppender.create(connection, LAKE_CATALOG, ledger.schema, ledger.name, types);
    for (const row of sums) appender.append(row.slice(0, 9).map(rowValue));
    appender.close();
    await addToTotals(connection, { table: tableName(ledger), expired: before - sums.length });
    await connection.run('COMMIT');
  } catch (thrown) {
    await connection.run('ROLLBACK').catch(() => undefined);
    throw thrown;
  }
  return before - sums.length;
}

function rowValue(value: unknown): RowValue {
  return typeof value === 'string' || typeof value === 'number' ? value : null;
}
