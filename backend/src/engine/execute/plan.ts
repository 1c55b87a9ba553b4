import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError } from '../../core/index.js';
import type { TreeRecord } from '../sql/index.js';
import { freezeMoments, limitRows, replaceTables } from '../sql/index.js';
import type { CoverageFacts } from '../facts.js';
import { coverageFacts } from './coverage-facts.js';
import type { PreparedReads } from './prepared-reads.js';
import type { LakeReader } from './lake-reader.js';
import type { Parameters } from './parameters.js';
import type { ArchiveFile, Expected, LeftOut, QueryTable, TimeSpan } from './sources.js';
import { TableSources, tableKey } from './sources.js';
import type { Analysed } from './statements.js';
import { Statements, deserialize } from './statements.js';
import { intersect, statedSpan } from './time-span.js';

/** What is asked, before it is known to be allowed. */
export interface PlanRequest {
  readonly sql: string;
  readonly params: Parameters;
  readonly timeRange: TimeSpan;
  /** The statement is limited to these rows. */
  readonly rows: number;
  /** Columns that the network knows of the tables read; those this node's schema lacks read NULL. */
  readonly expects?: Expected;
}

/** A contained statement as it runs on this node, in the transaction that is open on its connection. */
export interface Plan {
  readonly analysed: Analysed;
  readonly sql: string;
  readonly facts: CoverageFacts;
  readonly files: readonly ArchiveFile[];
  /** Columns that read NULL because this node's schema lacks them: `schema.name.column`. */
  readonly missingColumns: readonly string[];
}

/** A part of the log: after < seq <= upTo. */
export interface SeqInterval {
  readonly after: number;
  readonly upTo: number;
}

const always: TimeSpan = { from: null, to: null };

/** Makes of other people's SQL what runs: contained, `now()` frozen, tables bounded and joined with their archive. */
export class Planner {
  readonly #lake: LakeReader;
  readonly #reads: PreparedReads;
  readonly #archiveFolder: string | null;
  readonly #statements: Statements;
  readonly #sources: TableSources;

  /** @param archiveFolder where the files of armorlake.archive are; null when there are none. */
  constructor(tables: readonly QueryTable[], lake: LakeReader, archiveFolder: string | null, reads: PreparedReads) {
    this.#lake = lake;
    this.#reads = reads;
    this.#archiveFolder = archiveFolder;
    this.#statements = new Statements(tables);
    this.#sources = new TableSources(tables);
  }

  /**
   * Plans a query in the read transaction that is open on the connection: one snapshot for the list of archive files,
   * the ledger and the rows, so nothing counts twice and nothing is missed.
   * @throws ArmorlakeError of containment.
   */
  async query(connection: DuckDBConnection, request: PlanRequest, nowMicros: bigint): Promise<Plan> {
    const analysed = await this.#statements.analyse(connection, request.sql);
    const statement = frozen(analysed, nowMicros);
    const tables = await this.#sources.reached(connection, analysed.tables);
    const timed = new Set(tables.filter((table) => table.kind === 'event' || table.kind === 'view').map(tableKey));
    const stated = timed.size === 0 ? always : await statedSpan(connection, statement, timed, request.params);
    const span = intersect(request.timeRange, stated);
    const { files, leftOut } = await this.#files(connection, tables, span);
    const facts = await coverageFacts(
      connection,
      tables,
      span,
      nowMicros,
      (...given) => this.#lake.retainedSince(...given),
      leftOut,
      (...given) => this.#reads.rows(...given),
    );
    const own = await this.#sources.build(connection, tables, request.timeRange, files);
    const { sources, missing } = await this.#sources.widen(connection, tables, own, request.expects ?? []);
    const placed = sources.size === 0 ? statement : replaceTables(statement, sources);
    const sql = await deserialize(connection, limitRows(placed, request.rows));
    return { analysed, files, facts, sql, missingColumns: missing };
  }

  /**
   * The same for a tail: only rows of an interval of seq.
   * @param check refuses statements that are none.
   */
  async tail(
    connection: DuckDBConnection,
    request: PlanRequest,
    interval: SeqInterval,
    nowMicros: bigint,
    check: (statement: TreeRecord) => void,
  ): Promise<Omit<Plan, 'facts' | 'missingColumns'>> {
    const analysed = await this.#statements.analyse(connection, request.sql);
    check(analysed.statement);
    const tables = await this.#sources.reached(connection, analysed.tables);
    const { files, leftOut } = await this.#files(connection, tables, always, interval);
    // A reader of the log must not pass over what is there only later.
    if (leftOut.length > 0) throw archiveAway();
    const bounds = { ...always, afterSeq: BigInt(interval.after), upToSeq: BigInt(interval.upTo) };
    const sources = await this.#sources.build(connection, tables, bounds, files);
    const placed = replaceTables(frozen(analysed, nowMicros), sources);
    return { analysed, files, sql: await deserialize(connection, limitRows(placed, request.rows)) };
  }

  /**
   * The archive files that may hold rows of the tables within the span and the interval: all of them as they can be read
   * now, or all as left out, by one look at their folder.
   */
  async #files(
    connection: DuckDBConnection,
    tables: readonly QueryTable[],
    span: TimeSpan,
    interval: SeqInterval | null = null,
  ): Promise<{ readonly files: readonly ArchiveFile[]; readonly leftOut: readonly LeftOut[] }> {
    const names = tables.filter((table) => table.kind === 'event').map((table) => `${table.schema}.${table.name}`);
    if (names.length === 0) return { files: [], leftOut: [] };
    const rows = await this.#reads.rows(
      connection,
      'SELECT table_name, file, epoch_us(min_time), epoch_us(max_time), first_seq, last_seq, rows FROM armorlake.archive',
    );
    const needed = rows.flatMap(([table, file, min, max, first, last, count]) => {
      if (typeof table !== 'string' || typeof file !== 'string' || !names.includes(table)) return [];
      const [from, to] = [typeof min === 'bigint' ? min : -MOST, typeof max === 'bigint' ? max : MOST];
      const apart = (span.to !== null && from >= span.to) || (span.from !== null && to < span.from);
      const passed =
        interval !== null && (Number(last) <= interval.after || (first !== null && Number(first) > interval.upTo));
      return apart || passed ? [] : [{ table, file, from, to, rows: Number(count) }];
    });
    if (needed.length === 0) return { files: [], leftOut: [] };
    const folder = this.#archiveFolder;
    if (folder === null || !(await this.#lake.archiveHere())) return { files: [], leftOut: needed };
    return { files: needed.map(({ table, file }) => ({ table, path: join(folder, file) })), leftOut: [] };
  }
}

/** Beyond every time, µs since 1970. */
const MOST = 2n ** 62n;

function archiveAway(): ArmorlakeError {
  return new ArmorlakeError('NOT_READY', 'The archive folder is away, and what comes next is in it.', {
    hint: 'Is its disk mounted? It goes on by itself when the folder is back.',
  });
}

/** The statement with `now()` and its like as one moment. */
export function frozen(analysed: Analysed, nowMicros: bigint): TreeRecord {
  if (!analysed.moments) return analysed.statement;
  return freezeMoments(analysed.statement, momentText(nowMicros), analysed.names);
}

/** `2026-01-31 12:00:00.123456` of µs since 1970. */
function momentText(micros: bigint): string {
  const milliseconds = new Date(Number(micros / 1000n)).toISOString().slice(0, -1).replace('T', ' ');
  return `${milliseconds}${String(micros % 1000n).padStart(3, '0')}`;
}
