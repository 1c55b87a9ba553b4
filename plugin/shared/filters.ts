import { inCidrSql } from './cidr.js';
import type { ColumnKind } from './columns.js';
import { columnSql } from './columns.js';
import { QueryError } from './errors.js';
import { globPattern } from './glob.js';
import type { Filter } from './model.js';
import { literal, numberLiteral, shown, timestampLiteral } from './quoting.js';
import { kindOf } from './tables.js';
import { variablesIn, wholeVariable } from './variable-names.js';

/**
 * How values get into SQL: as `literals`, always; or with `variables` left for the dashboard to replace, in SQL that
 * people go on writing.
 */
export type ValueMode = 'literals' | 'variables';

/** One condition, being made into SQL. */
interface Subject {
  readonly sql: string;
  readonly kind: ColumnKind;
  /** As the user knows it. */
  readonly label: string;
  readonly mode: ValueMode;
}

/** Whether all of a value is a variable that becomes values of its own; one with a format becomes a text, within quotes. */
function isVariable(value: string, mode: ValueMode): boolean {
  const reference = mode === 'variables' ? wholeVariable(value) : null;
  return reference !== null && reference.format === undefined;
}

/** The variables in a filter's values that become values of their own, each once. */
function variableTexts(values: readonly string[]): readonly string[] {
  const references = values.flatMap(variablesIn).filter(({ format }) => format === undefined);
  return [...new Set(references.map(({ text }) => text))];
}

function notAsSql(label: string, variable: string, hint: string): QueryError {
  return new QueryError(`The filter on ${label} can not be written as SQL with the variable ${variable} in it.`, {
    hint: `The builder runs it all the same; ${hint}`,
  });
}

/** Within quotes several values of a variable would become one, joined by commas. @throws QueryError */
function refuseVariablesWithinTexts(values: readonly string[], label: string): void {
  for (const value of values) {
    const [variable] = isVariable(value, 'variables') ? [] : variableTexts([value]);
    if (variable !== undefined) throw notAsSql(label, shown(variable), 'for SQL make the variable all of the value.');
  }
}

function timeLiteral(value: string, label: string): string {
  const ms = /^-?\d+$/.test(value)
    ? Number(value)
    : Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(value) ? value : `${value}Z`);
  if (Number.isNaN(ms) || Math.abs(ms) > 8.64e15) {
    throw new QueryError(`The filter on ${label} wants a time, not "${shown(value)}".`, {
      hint: 'Written are 2026-01-31T12:00:00Z, or ms since 1970.',
    });
  }
  return timestampLiteral(ms);
}

function valueSql(value: string, { kind, label, mode }: Subject): string {
  if (isVariable(value, mode)) return value;
  if (kind === 'number' || kind === 'severity') return numberLiteral(value, `The filter on ${label}`);
  return kind === 'time' ? timeLiteral(value, label) : literal(value);
}

function equal(subject: Subject, values: readonly string[]): string {
  const list = values.map((value) => valueSql(value, subject));
  const single = list.length === 1 && !values.some((value) => isVariable(value, subject.mode));
  return single ? `${subject.sql} = ${list.join('')}` : `${subject.sql} IN (${list.join(', ')})`;
}

function different(subject: Subject, values: readonly string[]): string {
  const list = values.map((value) => valueSql(value, subject));
  const single = list.length === 1 && !values.some((value) => isVariable(value, subject.mode));
  if (single) return `${subject.sql} IS DISTINCT FROM ${list.join('')}`;
  return `(${subject.sql} IS NULL OR ${subject.sql} NOT IN (${list.join(', ')}))`;
}

function anyOf(conditions: readonly string[]): string {
  return conditions.length === 1 ? conditions.join('') : `(${conditions.join(' OR ')})`;
}

/** What is not there does not have it either. */
function not(condition: string): string {
  return `NOT coalesce(${condition}, FALSE)`;
}

function pathIs({ sql, kind }: Subject, path: string): string {
  // A command line begins with the path and goes on after a space.
  return kind === 'command'
    ? `(${sql} = ${literal(path)} OR starts_with(${sql}, ${literal(`${path} `)}))`
    : `${sql} = ${literal(path)}`;
}

/** Under /usr/bin are /usr/bin itself and /usr/bin/x, but not /usr/binary. */
function pathUnder(subject: Subject, path: string): string {
  const folder = path.replace(/\/+$/, '');
  if (folder === '') return `starts_with(${subject.sql}, '/')`;
  const inside = `starts_with(${subject.sql}, ${literal(`${folder}/`)})`;
  return `(${pathIs(subject, folder)} OR ${inside})`;
}

function globSql({ sql, kind }: Subject, glob: string): string {
  return `regexp_full_match(${sql}, ${literal(`${globPattern(glob)}${kind === 'command' ? '(?: .*)?' : ''}`)}, 's')`;
}

function listSql(subject: Subject, values: readonly string[]): string {
  return `list_has_any(${subject.sql}, [${values.map((value) => valueSql(value, subject)).join(', ')}])`;
}

/** A regular expression on the column as text; of a list, on its items: one of them is enough. */
function matches({ sql, kind }: Subject, text: string): string {
  if (kind === 'list') return `len(list_filter(${sql}, lambda item: regexp_matches(item, ${text}))) > 0`;
  return ['number', 'severity', 'time', 'map'].includes(kind)
    ? `regexp_matches(${sql}::VARCHAR, ${text})`
    : `regexp_matches(${sql}, ${text})`;
}

function isSet({ sql, kind }: Subject): string {
  if (kind === 'list') return `coalesce(len(${sql}), 0) > 0`;
  if (kind === 'map') return `coalesce(cardinality(${sql}), 0) > 0`;
  return `${sql} IS NOT NULL`;
}

function isNotSet({ sql, kind }: Subject): string {
  if (kind === 'list') return `coalesce(len(${sql}), 0) = 0`;
  if (kind === 'map') return `coalesce(cardinality(${sql}), 0) = 0`;
  return `${sql} IS NULL`;
}

function conditionSql(subject: Subject, { operator }: Filter, values: readonly string[]): string {
  const any = (make: (value: string) => string): string => anyOf(values.map(make));
  /** Of an operator that takes any SQL of a text: a variable is a list of texts, and one of them is enough. */
  const anyText = (make: (text: string) => string): string =>
    any((value) => {
      if (!isVariable(value, subject.mode)) return make(literal(value));
      return `len(list_filter([${value}]::VARCHAR[], lambda each: ${make('each')})) > 0`;
    });
  /** Of an operator that makes SQL of the value itself. */
  const anyValue = (make: (value: string) => string): string =>
    any((value) => {
      if (!isVariable(value, subject.mode)) return make(value);
      throw notAsSql(subject.label, value, `for SQL put in a value itself, or another operator than "${operator}".`);
    });
  switch (operator) {
    case 'is':
    case '=':
      return subject.kind === 'list' ? listSql(subject, values) : equal(subject, values);
    case 'is not':
    case '!=':
      return subject.kind === 'list' ? not(listSql(subject, values)) : different(subject, values);
    case 'has any':
      return listSql(subject, values);
    case 'has none':
      return not(listSql(subject, values));
    case '>=':
    case '<=':
    case '>':
    case '<':
      return any((value) => `${subject.sql} ${operator} ${valueSql(value, subject)}`);
    case 'contains':
      return anyText((text) => `contains(${subject.sql}, ${text})`);
    case 'does not contain':
      return not(anyText((text) => `contains(${subject.sql}, ${text})`));
    case 'starts with':
      return anyText((text) => `starts_with(${subject.sql}, ${text})`);
    case 'path is':
      return anyValue((value) => pathIs(subject, value));
    case 'path under':
      return anyValue((value) => pathUnder(subject, value));
    case 'glob':
      return anyValue((value) => globSql(subject, value));
    case 'not glob':
      return not(anyValue((value) => globSql(subject, value)));
    case 'matches':
      return anyText((text) => matches(subject, text));
    case 'does not match':
      return not(anyText((text) => matches(subject, text)));
    case 'in cidr':
      return anyValue((value) => inCidrSql(subject.sql, value));
    case 'not in cidr':
      return not(anyValue((value) => inCidrSql(subject.sql, value)));
    case 'is set':
      return isSet(subject);
    case 'is not set':
      return isNotSet(subject);
  }
}

/**
 * One filter of the builder as a condition, or null when it says nothing (no column, no value).
 * @throws QueryError for a value that does not fit.
 */
export function filterSql(table: string, filter: Filter, mode: ValueMode = 'literals'): string | null {
  const { column, operator } = filter;
  const key = filter.key === '' ? undefined : filter.key;
  const values = filter.values.filter((value) => value !== '');
  const wantsValue = operator !== 'is set' && operator !== 'is not set';
  if (column === '' || (wantsValue && values.length === 0)) return null;
  const reference = key === undefined ? { column } : { column, key };
  const subject: Subject = {
    sql: columnSql(reference),
    kind: operator === 'has any' || operator === 'has none' ? 'list' : kindOf(table, column, key),
    label: key === undefined ? column : `${column}[${key}]`,
    mode,
  };
  if (mode === 'variables') refuseVariablesWithinTexts(values, subject.label);
  const condition = conditionSql(subject, filter, values);
  if (mode === 'literals') return condition;
  return variableTexts(values).reduce((inner, variable) => `$__conditionalAll(${inner}, ${variable})`, condition);
}

/** All filters that say something. */
export function filtersSql(table: string, filters: readonly Filter[], mode: ValueMode = 'literals'): readonly string[] {
  return filters.map((filter) => filterSql(table, filter, mode)).filter((sql) => sql !== null);
}
