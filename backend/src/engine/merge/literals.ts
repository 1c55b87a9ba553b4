import { ArmorlakeError } from '../../core/index.js';
import type { ParameterValue, Parameters, ScalarParameter } from '../execute/parameters.js';
import type { Expression, TreeRecord } from '../sql/index.js';
import { functionCall, textOf, visit } from '../sql/index.js';

/**
 * The statement with its parameters replaced by literals of the types they would be bound as, so that parts of it can
 * travel. The values stay data: DuckDB's own printer quotes them.
 * @throws ArmorlakeError BAD_QUERY for a missing or superfluous value.
 */
export function bindLiterals(statement: TreeRecord, given: Parameters, wanted: readonly string[]): TreeRecord {
  const values = valuesByName(given);
  const names = new Set(wanted.map((name) => name.toLowerCase()));
  for (const name of values.keys()) {
    if (!names.has(name)) {
      throw new ArmorlakeError(
        'BAD_QUERY',
        `There is a value for the parameter ${name}, which the SQL does not have.`,
        {
          hint: 'Parameters are written as $1, $2, … or $name.',
        },
      );
    }
  }
  if (names.size === 0) return statement;
  return visit(statement, 'statement', {
    leave(record) {
      if (textOf(record, 'class') !== 'PARAMETER') return record;
      const name = textOf(record, 'identifier');
      const value = values.get(name.toLowerCase());
      if (value === undefined) {
        throw new ArmorlakeError('BAD_QUERY', `The parameter $${name} has no value.`, {
          hint: 'Send it in "params": a list for $1, $2, …, an object for $name.',
        });
      }
      return { ...literal(value), alias: textOf(record, 'alias') };
    },
  });
}

function valuesByName(given: Parameters): ReadonlyMap<string, ParameterValue> {
  const entries = Array.isArray(given)
    ? given.map((value: ParameterValue, index): [string, ParameterValue] => [String(index + 1), value])
    : Object.entries(given as Readonly<Record<string, ParameterValue>>);
  return new Map(entries.map(([name, value]) => [name.toLowerCase(), value]));
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
