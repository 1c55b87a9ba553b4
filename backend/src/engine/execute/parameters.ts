import type { DuckDBPreparedStatement } from '@duckdb/node-api';
import { BIGINT, BOOLEAN, DOUBLE, LIST, VARCHAR, listValue } from '@duckdb/node-api';
import { ArmorlakeError, foldName } from '../../core/index.js';
import type { PatternParameter } from '../sql/index.js';

export type ScalarParameter = string | number | boolean | null;
export type ParameterValue = ScalarParameter | readonly ScalarParameter[];
/** By place, or by name. */
export type Parameters = readonly ParameterValue[] | Readonly<Record<string, ParameterValue>>;

/**
 * Binds what a prepared statement asks for. Text goes as VARCHAR, which DuckDB casts to the type it expects (so large
 * integers and times are sent as text), whole numbers as INTEGER or BIGINT, others as DOUBLE.
 * @param wanted names of all parameters of the SQL, to refuse superfluous values; null when this is only a part of it.
 * @throws ArmorlakeError BAD_QUERY for a missing or superfluous value.
 */
export function bindParameters(
  prepared: DuckDBPreparedStatement,
  given: Parameters,
  wanted: readonly string[] | null,
): void {
  const valueOf = givenValues(given, wanted);
  for (let index = 1; index <= prepared.parameterCount; index += 1) {
    bind(prepared, index, valueOf(prepared.parameterName(index)));
  }
}

/**
 * The value of each parameter by its name, in any case.
 * @param wanted as for `bindParameters`.
 * @throws ArmorlakeError BAD_QUERY for a superfluous value; what it returns, for a missing one.
 */
export function givenValues(given: Parameters, wanted: readonly string[] | null): (name: string) => ParameterValue {
  const values = new Map(
    Array.isArray(given)
      ? given.map((value, index): [string, ParameterValue] => [String(index + 1), value])
      : Object.entries(given as Readonly<Record<string, ParameterValue>>),
  );
  const names = wanted === null ? null : new Set(wanted.map(foldName));
  for (const name of values.keys()) {
    if (names?.has(foldName(name)) === false) {
      throw new ArmorlakeError(
        'BAD_QUERY',
        `There is a value for the parameter ${name}, which the SQL does not have.`,
        {
          hint: 'Parameters are written as $1, $2, … or $name.',
        },
      );
    }
  }
  return (name) => {
    const value = values.get(name) ?? [...values].find(([key]) => foldName(key) === foldName(name))?.[1];
    if (value === undefined && !values.has(name)) {
      throw new ArmorlakeError('BAD_QUERY', `The parameter $${name} has no value.`, {
        hint: 'Send it in "params": a list for $1, $2, …, an object for $name.',
      });
    }
    return value ?? null;
  };
}

function bind(prepared: DuckDBPreparedStatement, index: number, value: ParameterValue): void {
  if (value === null) prepared.bindNull(index);
  else if (typeof value === 'string') prepared.bindVarchar(index, value);
  else if (typeof value === 'boolean') prepared.bindBoolean(index, value);
  else if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) prepared.bindDouble(index, value);
    else if (value === (value | 0)) prepared.bindInteger(index, value);
    else prepared.bindBigInt(index, BigInt(value));
  } else bindList(prepared, index, value);
}

/** The type of a list is named, as DuckDB takes it from the first element alone: after a null all would be null. */
function bindList(prepared: DuckDBPreparedStatement, index: number, values: readonly ScalarParameter[]): void {
  const kinds = new Set(values.filter((value) => value !== null).map((value) => typeof value));
  if (kinds.size > 1) {
    throw new ArmorlakeError('BAD_QUERY', 'A list in "params" has values of more than one type.', {
      hint: 'Send all of them as text, or all as numbers.',
    });
  }
  if (!kinds.has('number')) {
    prepared.bindList(index, listValue(values), LIST(kinds.has('boolean') ? BOOLEAN : VARCHAR));
    return;
  }
  const whole = values.every((value) => value === null || Number.isSafeInteger(value));
  const bound = whole ? values.map((value) => (typeof value === 'number' ? BigInt(value) : value)) : values;
  prepared.bindList(index, listValue(bound), LIST(whole ? BIGINT : DOUBLE));
}

/**
 * Looks at the values that are patterns of LIKE and its kin, or regular expressions, before they are bound.
 * @throws ArmorlakeError NOT_ALLOWED for one that could take hours to match.
 */
export function checkPatterns(given: Parameters, patterns: readonly PatternParameter[]): void {
  if (patterns.length === 0) return;
  const valueOf = givenValues(given, null);
  for (const { name, faultOf } of patterns) {
    const value = valueOf(name);
    const fault = typeof value === 'string' ? faultOf(value) : null;
    if (fault !== null) throw new ArmorlakeError('NOT_ALLOWED', `$${name}: ${fault.sentence}.`, { hint: fault.hint });
  }
}
