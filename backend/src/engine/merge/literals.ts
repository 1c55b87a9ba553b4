import { ArmorlakeError } from '../../core/index.js';
import type { ParameterValue, Parameters, ScalarParameter } from '../execute/parameters.js';
import { givenValues } from '../execute/parameters.js';
import type { Expression, TreeRecord } from '../sql/index.js';
import { functionCall, textOf, visit } from '../sql/index.js';

/**
 * What the values may come to where they stand, each place counted: printing a statement and parsing it again takes a
 * planner 40 times as much memory, and its heap has 256 MB.
 */
const MOST_ITEMS = 50_000;
const MOST_BYTES = 4_000_000;

/**
 * The statement with its parameters replaced by literals of the types they would be bound as, so that parts of it can
 * travel. The values stay data: DuckDB's own printer quotes them.
 * @throws ArmorlakeError BAD_QUERY for a missing or superfluous value, LIMIT_EXCEEDED for too much of them.
 */
export function bindLiterals(statement: TreeRecord, given: Parameters, wanted: readonly string[]): TreeRecord {
  const valueOf = givenValues(given, wanted);
  if (wanted.length === 0) return statement;
  let [items, bytes] = [0, 0];
  return visit(statement, 'statement', {
    leave(record) {
      if (textOf(record, 'class') !== 'PARAMETER') return record;
      const value = valueOf(textOf(record, 'identifier'));
      const parts = isScalar(value) ? [value] : value;
      items += parts.length;
      for (const part of parts) bytes += typeof part === 'string' ? part.length : 8;
      if (items > MOST_ITEMS || bytes > MOST_BYTES) throw tooMuch();
      return { ...literal(value), alias: textOf(record, 'alias') };
    },
  });
}

function tooMuch(): ArmorlakeError {
  const most = `${MOST_ITEMS} values, or ${MOST_BYTES} characters`;
  return new ArmorlakeError(
    'LIMIT_EXCEEDED',
    `The parameters come to more than ${most}, counted at each place where they stand.`,
    {
      hint: 'Name a long list once: FROM (SELECT …) WHERE x IN $list, or ask in several queries.',
    },
  );
}

function literal(value: ParameterValue): Expression {
  if (isScalar(value)) return scalar(value, false);
  return functionCall(
    'list_value',
    value.map((item) => scalar(item, true)),
  );
}

function isScalar(value: ParameterValue): value is ScalarParameter {
  return value === null || typeof value !== 'object';
}

/** In lists whole numbers are BIGINT, as they are bound. */
function scalar(value: ScalarParameter, listed: boolean): Expression {
  if (value === null) return constant('NULL', { is_null: true });
  if (typeof value === 'string') return constant('VARCHAR', { is_null: false, value });
  if (typeof value === 'boolean') return constant('BOOLEAN', { is_null: false, value });
  if (!Number.isSafeInteger(value)) return constant('DOUBLE', { is_null: false, value });
  return constant(!listed && value === (value | 0) ? 'INTEGER' : 'BIGINT', { is_null: false, value });
}

function constant(type: string, value: TreeRecord): Expression {
  return {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    value: { type: { id: type, type_info: null }, ...value },
  };
}
