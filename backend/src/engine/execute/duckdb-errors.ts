import { ArmorlakeError, messageOf } from '../../core/index.js';
import type { TreeRecord } from '../sql/index.js';
import { GUARD_MARK, characterOffset, isRecord, locationOf, textOf, textsOf, visit } from '../sql/index.js';
import { quotedTextHint } from './syntax-hints.js';
import { freeResults } from './native-memory.js';

/** The SQL as the user wrote it and its tree: places in DuckDB's errors are found in it. */
export interface WrittenSql {
  readonly sql: string;
  readonly statement: TreeRecord;
}

/** An error may hold any value, as of `error(…)` or a cast: no limit of an answer's bytes bounds it. */
const MAX_LENGTH = 1000;
const MAX_LINES = 100;

/** DuckDB's error kinds that mean the query is at fault, not the node. */
const queryFaults =
  /^(Binder|Catalog|Parser|Syntax|Conversion|Out of Range|Invalid Input|Mismatch Type|Invalid Type|Not implemented|Invalid|Divide by Zero|Parameter|Constraint|Expression|Sequence|Dependency|Executor|Optimizer)\b[^:]*Error:\s*/i;

/**
 * What DuckDB threw, as an ArmorlakeError: BAD_QUERY for the query's own faults, LIMIT_EXCEEDED for memory and
 * room to spill, INTERNAL else. When memory has run out, what results hold of it is freed. Its excerpts ("LINE 1: …") show our text, not the user's, so they go; the place is looked up in the user's.
 */
export function queryError(thrown: unknown, written?: WrittenSql): ArmorlakeError {
  if (thrown instanceof ArmorlakeError) return thrown;
  const full = messageOf(thrown);
  const text = full.replace(/^Failed to execute prepared statement:?\s*/i, '');
  const [line = '', ...rest] = text.split('\n', MAX_LINES);
  const first = line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH)}…` : line;
  if (/^INTERRUPT Error/i.test(first)) {
    return new ArmorlakeError('CANCELLED', 'The query was interrupted.', { cause: thrown });
  }
  if (/^Out of Memory Error/i.test(first) || /bad_alloc|allocat/i.test(first)) {
    freeResults();
    return new ArmorlakeError('LIMIT_EXCEEDED', 'The query needs more memory than the node gives to queries.', {
      hint: 'Add a time filter, aggregate earlier, or select fewer columns.',
      cause: thrown,
    });
  }
  const limit = first.indexOf(GUARD_MARK);
  if (limit >= 0) {
    const [, sentence = '', hint] = /^(.*?\.) (.*)$/.exec(first.slice(limit + GUARD_MARK.length)) ?? [];
    return new ArmorlakeError('LIMIT_EXCEEDED', sentence, { hint, cause: thrown });
  }
  const again = /^Binder Error: Alias "([^"]*)" referenced .* side effects/i.exec(first)?.[1];
  if (again !== undefined) {
    return new ArmorlakeError(
      'BAD_QUERY',
      `"${again}" can't be named again in the same SELECT: its values are bounded while they are computed.`,
      {
        hint: `Put a query around it: SELECT … FROM (SELECT …, … AS ${again} FROM …) WHERE ${again} …`,
        cause: thrown,
      },
    );
  }
  if (/no space left on device|quota exceeded/i.test(first)) {
    return new ArmorlakeError('LIMIT_EXCEEDED', 'The query needs to spill to the disk, which is full.', {
      hint: 'Make room there, or add a time filter, aggregate earlier, or select fewer columns.',
      cause: thrown,
    });
  }
  if (!queryFaults.test(first)) {
    return new ArmorlakeError('INTERNAL', `The database failed: ${first}`, { cause: thrown });
  }
  const sentence = first.replace(queryFaults, '').replace(/!$/, '.');
  const hint = rest.find((line) => /^(Candidate bindings|Did you mean|Either add|HINT)/.test(line.trim()))?.trim();
  const missing = /^Referenced column "([^"]+)" not found/.exec(sentence)?.[1];
  const quoted = missing === undefined || written === undefined ? undefined : quotedTextHint(written.sql, missing);
  return new ArmorlakeError('BAD_QUERY', sentence, {
    hint: [quoted, hint].filter((each) => each !== undefined).join(' ') || undefined,
    position: written === undefined ? undefined : placeOf(first, written),
    cause: thrown,
  });
}

/** Where the name or the constant an error speaks of stands in the user's SQL. */
function placeOf(message: string, { sql, statement }: WrittenSql): number | undefined {
  const column = /(?:column|table) "([^"]+)"/i.exec(message)?.[1]?.toLowerCase();
  const callee = /argument types '([^('\s]+)\(/i.exec(message)?.[1]?.toLowerCase();
  const texts = new Set([...message.matchAll(/"([^"]+)"|'([^']+)'/g)].map(([, double, single]) => double ?? single));
  let at: number | null = null;
  let constantAt: number | null = null;
  visit(statement, 'statement', {
    enter(record) {
      if (at !== null) return;
      const value = textOf(record, 'class') === 'CONSTANT' ? record['value'] : null;
      if (isRecord(value) && texts.has(textOf(value, 'value'))) constantAt ??= locationOf(record);
      const names = textsOf(record, 'column_names').map((name) => name.toLowerCase());
      const isColumn = column !== undefined && (names.includes(column) || names.join('.') === column);
      const isCallee = callee !== undefined && textOf(record, 'function_name').toLowerCase() === callee;
      if (isColumn || isCallee) at = locationOf(record);
    },
  });
  const place = at ?? constantAt;
  return place === null ? undefined : characterOffset(sql, place);
}
