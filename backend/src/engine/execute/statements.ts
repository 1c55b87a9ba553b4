import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError } from '../../core/index.js';
import type { Contained, KnownTable, TreeRecord } from '../sql/index.js';
import {
  contain,
  forPrinter,
  guardExpression,
  guardStatement,
  holdsMoment,
  isPrintOf,
  nameItems,
  offsetOfCodePoint,
  printStatement,
  readSerialized,
  readsTable,
  selectOf,
  textFault,
  unnamedGuarded,
  unnamedItems,
  writtenSize,
} from '../sql/index.js';
import { queryError } from './duckdb-errors.js';
import { readRows } from './prepare.js';
import { syntaxHint } from './syntax-hints.js';

/** Rows that range or generate_series in FROM may give. */
const MAX_SERIES_ROWS = 1_000_000;
/** What bounds around arguments may add to a statement. */
const MAX_GUARD_RECORDS = 10_000;
/** Statements kept analysed: dashboards ask the same again and again. */
const CACHED_STATEMENTS = 256;
const CACHED_SQL_LENGTH = 8192;

/** Printed and parsed again in one call: preparing costs more than either. */
const REPRINT = 'SELECT text, json_serialize_sql(text) FROM (SELECT json_deserialize_sql($1::VARCHAR::JSON) AS text)';
const SERIALIZE = 'SELECT json_serialize_sql($1::VARCHAR)';

/** A statement that passed containment. */
export interface Analysed extends Contained {
  readonly sql: string;
  readonly statement: TreeRecord;
  /** It holds `now()` or its like. */
  readonly moments: boolean;
  /** The column names that items with `now()` are to keep. */
  readonly names: ReadonlyMap<TreeRecord, string>;
}

/** The values of the first row of a statement of our own. */
async function readTexts(connection: DuckDBConnection, sql: string, parameter: string): Promise<readonly string[]> {
  const prepared = await connection.prepare(sql);
  try {
    prepared.bindVarchar(1, parameter);
    const [row = []] = (await prepared.runAndReadAll()).getRows();
    return row.map((value) => (typeof value === 'string' ? value : ''));
  } finally {
    prepared.destroySync();
  }
}

/** SQL as DuckDB's tree, unchecked: for SQL of our own, and the first step of containment. */
export async function serialize(connection: DuckDBConnection, sql: string): Promise<TreeRecord> {
  const [tree = ''] = await readTexts(connection, SERIALIZE, sql);
  const answer = readSerialized(tree);
  if (!answer.ok) {
    if (answer.type === 'parser') {
      const position = answer.codePoint === null ? undefined : offsetOfCodePoint(sql, answer.codePoint);
      // DuckDB has no sentence for LIMIT 0, 10.
      const said = answer.message === 'errhint NOT IMPLEMENTED' ? 'LIMIT takes one number' : answer.message;
      const hint = syntaxHint(sql, position);
      throw new ArmorlakeError('BAD_QUERY', `The SQL can't be understood: ${said}.`, { hint, position });
    }
    if (/Only SELECT/.test(answer.message)) throw notOneSelect(sql);
    throw new ArmorlakeError('BAD_QUERY', answer.message.replace(/[.!]?$/, '.'));
  }
  const [statement, second] = answer.statements;
  if (statement === undefined) {
    throw new ArmorlakeError('BAD_QUERY', 'The SQL is empty.', { hint: 'As SELECT count(*) FROM kubearmor.logs.' });
  }
  if (second !== undefined) {
    throw new ArmorlakeError('NOT_ALLOWED', 'Only one statement may be sent at a time.', {
      hint: 'Send the statements one by one.',
    });
  }
  return statement;
}

/**
 * A tree as the SQL text that runs. The text is parsed again, and its tree has to be the one it was printed of: DuckDB's
 * printer is no wall, it has left names of users unquoted.
 * @throws ArmorlakeError NOT_ALLOWED when it isn't.
 */
export async function deserialize(connection: DuckDBConnection, statement: TreeRecord): Promise<string> {
  const [text = '', read = ''] = await readTexts(connection, REPRINT, printStatement(forPrinter(statement)));
  if (isPrintOf(statement, read)) return text;
  throw new ArmorlakeError('NOT_ALLOWED', 'The SQL holds a form that DuckDB does not write as it reads it.', {
    hint: 'Write names and constants in a plainer way.',
  });
}

/** Analyses SQL of other people and remembers what it found. */
export class Statements {
  readonly #tables: readonly KnownTable[];
  readonly #cache = new Map<string, Analysed>();

  constructor(tables: readonly KnownTable[]) {
    this.#tables = tables;
  }

  /**
   * Parses SQL and checks it against the allow lists.
   * @throws ArmorlakeError BAD_QUERY, NOT_ALLOWED or UNKNOWN_TABLE, placed in the SQL where DuckDB gives a place.
   */
  async analyse(connection: DuckDBConnection, sql: string): Promise<Analysed> {
    const cached = this.#cache.get(sql);
    if (cached !== undefined) {
      // Moved to the end: the first of the map is the one not asked for longest.
      this.#cache.delete(sql);
      this.#cache.set(sql, cached);
      return cached;
    }
    const fault = textFault(sql);
    if (fault !== null) throw new ArmorlakeError('NOT_ALLOWED', `${fault.sentence}.`, { hint: fault.hint });
    const nul = sql.indexOf('\0');
    if (nul >= 0) {
      throw new ArmorlakeError('BAD_QUERY', 'The SQL holds a NUL character.', {
        hint: 'Pass such text as a parameter.',
        position: nul,
      });
    }
    const analysed = await this.#analyse(connection, sql);
    if (sql.length <= CACHED_SQL_LENGTH) {
      this.#cache.set(sql, analysed);
      const [oldest] = this.#cache.keys();
      if (this.#cache.size > CACHED_STATEMENTS && oldest !== undefined) this.#cache.delete(oldest);
    }
    return analysed;
  }

  async #analyse(connection: DuckDBConnection, sql: string): Promise<Analysed> {
    let statement: TreeRecord;
    try {
      statement = await serialize(connection, sql);
    } catch (thrown) {
      // DuckDB writes an infinite constant as no JSON at all.
      if (thrown instanceof SyntaxError) throw new ArmorlakeError('BAD_QUERY', 'A number in the SQL is too large.');
      throw queryError(thrown);
    }
    const contained = contain(sql, statement, this.#tables);
    for (const series of contained.series) await this.#checkSeries(connection, series);
    const guarded = await this.#guarded(connection, statement);
    const names = await namesOf(connection, unnamedItems(guarded, holdsMoment));
    return { ...contained, sql, statement: guarded, moments: holdsMoment(guarded), names };
  }

  /** With bounds around what could take time out of proportion; columns keep the names they have without. */
  async #guarded(connection: DuckDBConnection, statement: TreeRecord): Promise<TreeRecord> {
    // Tables are read through subqueries, with the time range in them.
    const named = nameItems(statement, await namesOf(connection, unnamedItems(statement, readsTable)));
    const guarded = guardStatement(named, new Map());
    if (guarded === named) return named;
    if (writtenSize(guarded) > writtenSize(named) + MAX_GUARD_RECORDS) {
      throw new ArmorlakeError('NOT_ALLOWED', 'Functions whose arguments have to be bounded nest too deep.', {
        hint: 'Compute the inner ones in a CTE, and use its columns.',
      });
    }
    return guardStatement(named, await namesOf(connection, unnamedGuarded(named)));
  }

  async #checkSeries(connection: DuckDBConnection, call: TreeRecord): Promise<void> {
    const text = await expressionText(connection, call);
    const bounded = await expressionText(connection, guardExpression(call));
    const probe = `SELECT count(*) FROM (SELECT 1 FROM ${bounded} LIMIT ${MAX_SERIES_ROWS + 1})`;
    const [[rows] = []] = await readRows(connection, probe).catch((thrown: unknown) => {
      throw queryError(thrown);
    });
    if (rows === BigInt(MAX_SERIES_ROWS + 1)) {
      throw new ArmorlakeError('NOT_ALLOWED', `${text} gives more than ${MAX_SERIES_ROWS} rows.`, {
        hint: 'Use fewer or larger steps.',
      });
    }
  }
}

/** The names that DuckDB gives the columns of these items. */
async function namesOf(
  connection: DuckDBConnection,
  items: readonly TreeRecord[],
): Promise<ReadonlyMap<TreeRecord, string>> {
  const names = new Map<TreeRecord, string>();
  for (const item of items) names.set(item, await columnName(connection, item));
  return names;
}

/** The name that DuckDB gives the column of an expression. */
export async function columnName(connection: DuckDBConnection, expression: TreeRecord): Promise<string> {
  // Printed, parameters are quoted, and named they are not.
  return (await expressionText(connection, expression)).replace(/\$"(\w+)"/gu, '$$$1');
}

/** An expression as SQL text. */
async function expressionText(connection: DuckDBConnection, expression: TreeRecord): Promise<string> {
  const text = await deserialize(connection, selectOf([expression]));
  return text.replace(/^SELECT /, '');
}

function notOneSelect(sql: string): ArmorlakeError {
  const pivot = /\bPIVOT\b/i.test(sql);
  return new ArmorlakeError('NOT_ALLOWED', pivot ? 'A PIVOT has to list its values.' : 'Only one SELECT is allowed.', {
    hint: pivot
      ? 'As PIVOT kubearmor.alerts ON severity IN (1, 5, 10) USING count(*) GROUP BY host.'
      : 'Queries read: start with SELECT, FROM, WITH, VALUES, PIVOT or DESCRIBE.',
  });
}
