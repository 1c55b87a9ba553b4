import { QueryError } from './errors.js';
import type { Token } from './lexer.js';
import { isBlank, tokenize } from './lexer.js';
import { macroNames } from './macro-list.js';
import type { MappedText } from './mapped-text.js';
import { TextMapper } from './mapped-text.js';
import { isWritten } from './written.js';
import type { ArmorlakeModel, Filter, ProcessTarget, Scope } from './model.js';
import { literal, shown } from './quoting.js';
import type { VariableReference } from './variable-names.js';
import { variablesIn, wholeVariable } from './variable-names.js';

/** What a variable is set to. */
export interface VariableValue {
  readonly values: readonly string[];
  /** All is chosen, and the variable has no custom value for it. */
  readonly all: boolean;
  /** A text box: while it is empty it asks for nothing. */
  readonly textBox?: boolean;
}

/** The dashboard's variables, as the frontend knows them. */
export interface Variables {
  /** null: there is no such variable. */
  readonly lookup: (name: string, field?: string) => VariableValue | null;
  /** A reference with an explicit format, as `${x:csv}`, replaced as Grafana does. */
  readonly formatted: (reference: string) => string;
}

/** The value that a reference stands for; null for a macro, an unknown variable, a parameter. */
function valueOf({ name, field }: VariableReference, variables: Variables): VariableValue | null {
  return macroNames.has(`$${name}`) ? null : variables.lookup(name, field);
}

/**
 * A text with variables as the texts it may become: one for each combination of values.
 * null: All of one of them is chosen, so the text says nothing.
 */
export function interpolateText(text: string, variables: Variables): readonly string[] | null {
  let results: readonly string[] = [''];
  let rest = 0;
  for (const reference of variablesIn(text)) {
    const value = valueOf(reference, variables);
    if (value === null) continue;
    if (value.all && reference.format === undefined) return null;
    const before = text.slice(rest, reference.index);
    const values = reference.format === undefined ? value.values : [variables.formatted(reference.text)];
    results = results.flatMap((result) => values.map((each) => `${result}${before}${each}`));
    rest = reference.index + reference.text.length;
  }
  return results.map((result) => `${result}${text.slice(rest)}`);
}

/** A list of texts the same way; null when All of a variable in it is chosen. */
function interpolateTexts(texts: readonly string[], variables: Variables): readonly string[] | null {
  const all: string[] = [];
  for (const text of texts) {
    const values = interpolateText(text, variables);
    if (values === null) return null;
    all.push(...values);
  }
  return all;
}

/** Symbols after which a value can stand without growing together with what is before it. */
const separate = new Set(['', '(', ',', '=', '[', '<', '>', ' ', '\t', '\n', '\r']);

/** What a value becomes within a literal that ends with `quote`. */
function inLiteral(value: string, token: Token): string {
  if (value.includes('\0')) {
    throw new QueryError('A variable within a text holds a NUL character.', {
      hint: 'Write the variable outside of quotes; it is quoted there by itself.',
      position: token.start,
    });
  }
  if (token.kind === 'quoted') return value.replaceAll('"', '""');
  const escaped = token.kind === 'escapeString' ? value.replaceAll('\\', '\\\\') : value;
  return escaped.replaceAll("'", "''");
}

/** Joined they would be one text, which nothing is equal to. */
function severalWithin(variable: string, position: number): QueryError {
  const [name] = variablesIn(variable);
  return new QueryError(`The variable ${shown(variable)} stands within quotes, and has several values.`, {
    hint: `Write it without quotes, as IN (${shown(variable)}); for one text of all of them \${${name?.name ?? 'x'}:csv}.`,
    position,
  });
}

/** Replaces variables in one SQL text, by its tokens. */
class Interpolation {
  readonly #variables: Variables;

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  run(tokens: readonly Token[]): MappedText {
    const mapper = new TextMapper();
    for (let index = 0; index < tokens.length;) {
      const token = tokens[index];
      if (token === undefined) break;
      const call = token.text === '$__conditionalAll' ? this.#conditionalAll(tokens, index) : null;
      if (call !== null) {
        if (call.all) mapper.put('TRUE', token.start);
        else {
          mapper.put('(', token.start);
          mapper.putMapped(this.run(call.predicate));
          mapper.put(')', token.start);
        }
        index = call.next;
        continue;
      }
      this.#token(token, tokens[index + 1], mapper);
      index += 1;
    }
    return mapper.finish();
  }

  #token(token: Token, next: Token | undefined, mapper: TextMapper): void {
    switch (token.kind) {
      case 'variable':
        this.#variable(token, next, mapper);
        break;
      case 'string':
      case 'escapeString':
      case 'quoted':
        this.#within(token, mapper);
        break;
      case 'dollarString':
        this.#dollarString(token, mapper);
        break;
      case 'space':
      case 'comment':
      case 'word':
      case 'number':
      case 'symbol':
        mapper.keep(token.text, token.start);
    }
  }

  /** Outside of quotes: literals, joined by commas. They are texts; DuckDB makes of them what the column is. */
  #variable(token: Token, next: Token | undefined, mapper: TextMapper): void {
    const reference = wholeVariable(token.text);
    const value = reference === null ? null : valueOf(reference, this.#variables);
    if (reference === null || value === null) {
      mapper.keep(token.text, token.start);
      return;
    }
    if (reference.format !== undefined) {
      mapper.put(this.#variables.formatted(token.text), token.start);
      return;
    }
    // Next to a word or a quote, `E` and `'…'` would become something else together.
    const before = separate.has(mapper.last) ? '' : ' ';
    const after = next === undefined || isBlank(next) || next.kind === 'symbol' ? '' : ' ';
    const literals = value.values.length === 0 ? 'NULL' : value.values.map(literal).join(', ');
    mapper.put(`${before}${literals}${after}`, token.start);
  }

  #within(token: Token, mapper: TextMapper, at = token.start): void {
    let rest = 0;
    for (const reference of variablesIn(token.text)) {
      const value = valueOf(reference, this.#variables);
      if (value === null) continue;
      if (reference.format === undefined && value.values.length > 1) throw severalWithin(reference.text, at);
      const text = reference.format === undefined ? value.values.join('') : this.#variables.formatted(reference.text);
      mapper.keep(token.text.slice(rest, reference.index), token.start + rest);
      mapper.put(inLiteral(text, token), token.start + reference.index);
      rest = reference.index + reference.text.length;
    }
    mapper.keep(token.text.slice(rest), token.start + rest);
  }

  /** Nothing can be escaped between dollars: with a variable inside it becomes a plain literal. */
  #dollarString(token: Token, mapper: TextMapper): void {
    const tag = token.text.slice(0, token.text.indexOf('$', 1) + 1);
    const content = token.text.slice(tag.length, -tag.length);
    if (!variablesIn(content).some((reference) => valueOf(reference, this.#variables) !== null)) {
      mapper.keep(token.text, token.start);
      return;
    }
    const asString = `'${content.replaceAll("'", "''")}'`;
    const inner = new TextMapper();
    this.#within({ kind: 'string', text: asString, start: 0, end: asString.length }, inner, token.start);
    mapper.put(inner.finish().text, token.start);
  }

  /** `$__conditionalAll(predicate, $variable)` of a variable that has a value; null: it is left as it is. */
  #conditionalAll(
    tokens: readonly Token[],
    index: number,
  ): { readonly all: boolean; readonly predicate: readonly Token[]; readonly next: number } | null {
    let at = index + 1;
    while (tokens[at]?.kind === 'space') at += 1;
    if (tokens[at]?.text !== '(') return null;
    const first = at + 1;
    let comma = -1;
    let depth = 0;
    for (; at < tokens.length; at += 1) {
      const token = tokens[at];
      if (token?.kind !== 'symbol') continue;
      if (token.text === '(' || token.text === '[') depth += 1;
      if (token.text === ')' || token.text === ']') depth -= 1;
      if (token.text === ',' && depth === 1) comma = at;
      if (depth === 0) break;
    }
    if (comma < 0 || depth !== 0) return null;
    const named = tokens.slice(comma + 1, at).filter((token) => !isBlank(token));
    const [name, more] = named;
    const reference = name === undefined || more !== undefined ? null : wholeVariable(name.text);
    const value = reference === null ? null : valueOf(reference, this.#variables);
    return value === null ? null : { all: value.all, predicate: tokens.slice(first, comma), next: at + 1 };
  }
}

/**
 * SQL with its variables replaced, by its tokens. Outside of quotes a variable becomes text literals joined by commas
 * (`namespace IN ($ns)`; DuckDB reads them as the column's type), within quotes escaped text; `${x:format}` as Grafana
 * does, unescaped: that is its author's choice. Comments, macros and unknown variables are left alone.
 * @throws QueryError
 */
export function interpolateSql(sql: string, variables: Variables): MappedText {
  return new Interpolation(variables).run(tokenize(sql));
}

/** Whether texts said something that their variables, by having no value, took away. */
function isEmptied(texts: readonly string[], values: readonly string[]): boolean {
  return texts.some((text) => text !== '') && values.every((value) => value === '');
}

function areTextBoxes(texts: readonly string[], variables: Variables): boolean {
  return texts.flatMap(variablesIn).every((reference) => valueOf(reference, variables)?.textBox === true);
}

/** Two filters that no row passes, and that people can read where the query is edited. */
function noRow({ column, key }: Filter): readonly Filter[] {
  const place = key === undefined ? { column } : { column, key };
  return [
    { ...place, operator: 'is set', values: [] },
    { ...place, operator: 'is not set', values: [] },
  ];
}

function interpolateFilter(filter: Filter, variables: Variables): readonly Filter[] {
  const values = interpolateTexts(filter.values, variables);
  if (values === null) return [];
  const key = filter.key === undefined ? undefined : single(filter.key, variables, 'A label key');
  const replaced = { ...filter, values, ...(key === undefined ? {} : { key }) };
  const emptied = isEmptied(filter.values, values) && !areTextBoxes(filter.values, variables);
  return emptied ? noRow(replaced) : [replaced];
}

/** A text that has room for one value only. */
function single(text: string, variables: Variables, what: string): string {
  const [value = text, more] = interpolateText(text, variables) ?? [];
  if (more !== undefined) {
    throw new QueryError(`${what} takes one value, but "${shown(text)}" has several.`, {
      hint: 'Choose one value of the variable, or make it a variable without multiple values.',
    });
  }
  return value;
}

/** No node has an empty name: this scope is nobody. */
const nobody: Scope = { clusters: [], nodes: [''], labels: {} };

/** The scope with its variables replaced; All names nothing: every node. A variable without a value: nobody. */
export function interpolateScope(scope: Scope, variables: Variables): Scope {
  let emptied = false;
  const replaced = (texts: readonly string[]): readonly string[] => {
    const values = interpolateTexts(texts, variables);
    if (values !== null && isEmptied(texts, values)) emptied = true;
    return values ?? [];
  };
  const labels = Object.entries(scope.labels)
    .map(([key, values]) => [key, replaced(values)] as const)
    .filter(([, values]) => values.length > 0);
  const named = {
    clusters: replaced(scope.clusters),
    nodes: replaced(scope.nodes),
    labels: Object.fromEntries(labels),
  };
  return emptied ? nobody : named;
}

/** Filters with their variables replaced; All drops a filter, a variable without a value makes it one that no row passes. */
export function interpolateFilters(filters: readonly Filter[], variables: Variables): readonly Filter[] {
  return filters.flatMap((filter) => interpolateFilter(filter, variables));
}

function interpolateTarget(target: ProcessTarget, variables: Variables): ProcessTarget {
  const of = (text: string): string => single(text, variables, "The process's event");
  return target.by === 'event'
    ? { by: 'event', node: of(target.node), seq: of(target.seq) }
    : { by: 'pid', node: of(target.node), host: of(target.host), pid: of(target.pid), time: of(target.time) };
}

/** The variables that an event is made of, when it is nothing else. */
function targetVariables(target: ProcessTarget | null): Pick<ArmorlakeModel['process'], 'variables'> {
  if (target?.by !== 'event') return {};
  const node = wholeVariable(target.node.trim());
  const seq = wholeVariable(target.seq.trim());
  // Two parts of one variable are no boxes that a click could fill.
  if (node === null || seq === null || node.name === seq.name) return {};
  return { variables: { node: node.name, seq: seq.name } };
}

/**
 * A model as a dashboard asks it: its variables replaced, and marked so, that no value is read as a variable again.
 * @throws QueryError
 */
export function interpolateModel(model: ArmorlakeModel, variables: Variables): ArmorlakeModel {
  if (model.interpolated === true) return model;
  const { builder, process, scope } = model;
  const sql = isWritten(model) ? interpolateSql(model.sql, variables).text : model.sql;
  return {
    ...model,
    interpolated: true,
    ...(sql === model.sql ? {} : { replacedSql: true }),
    scope: interpolateScope(scope, variables),
    sql,
    builder: {
      ...builder,
      table: single(builder.table, variables, 'The table'),
      columns: interpolateTexts(builder.columns, variables) ?? [],
      groupBy: interpolateTexts(builder.groupBy, variables) ?? [],
      filters: interpolateFilters(builder.filters, variables),
      timeBucket: builder.timeBucket === null ? null : interval(builder.timeBucket, variables),
    },
    process: {
      ...process,
      target: process.target === null ? null : interpolateTarget(process.target, variables),
      ...targetVariables(process.target),
    },
  };
}

/** An interval variable's auto is Grafana's own business: `$__auto…` is the panel's interval here. */
function interval(text: string, variables: Variables): string {
  const value = single(text, variables, 'The time bucket');
  return value.startsWith('$__auto') || value === '$__interval' ? 'auto' : value;
}
