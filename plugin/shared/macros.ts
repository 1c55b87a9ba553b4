import { adHocCondition } from './ad-hoc.js';
import { QueryError } from './errors.js';
import { autoBucketMs, intervalLiteral, intervalMs } from './intervals.js';
import type { Token } from './lexer.js';
import { isBlank, tokenize } from './lexer.js';
import { macroNames, macros } from './macro-list.js';
import type { MappedText } from './mapped-text.js';
import { TextMapper } from './mapped-text.js';
import type { AdHocFilter, Fill, QueryContext } from './model.js';
import { literalList, shown, timestampLiteral } from './quoting.js';
import { bucketSql, bucketsOf } from './time-groups.js';

/** What the macros stand for. */
export interface MacroValues {
  readonly context: QueryContext;
  /** IANA; left out: UTC. */
  readonly timezone?: string | undefined;
  /** The nodes that the scope names. */
  readonly nodes: readonly string[];
  readonly adHocFilters: readonly AdHocFilter[];
}

/** SQL without macros, its places those of the SQL it was made of. */
export interface ExpandedSql extends MappedText {
  /** What the last `$__timeGroup` wants in empty buckets. */
  readonly fill: Fill;
  /** Width of its buckets, ms; null: there is none. */
  readonly bucketMs: number | null;
}

/** One argument of a macro: its tokens without blanks around. */
interface Argument {
  readonly tokens: readonly Token[];
  /** As written. */
  readonly text: string;
  readonly at: number;
}

function trimmed(tokens: readonly Token[], at: number): Argument {
  const first = tokens.findIndex((token) => !isBlank(token));
  const last = tokens.findLastIndex((token) => !isBlank(token));
  const inner = first < 0 ? [] : tokens.slice(first, last + 1);
  return { tokens: inner, text: inner.map(({ text }) => text).join(''), at: inner[0]?.start ?? at };
}

const opening = new Set(['(', '[', '{']);
const closing = new Set([')', ']', '}']);

/**
 * The arguments of the call whose macro is `tokens[index]`: null without parentheses. `next` is the token after it.
 * @throws QueryError when its parenthesis is never closed.
 */
function argumentsAt(
  tokens: readonly Token[],
  index: number,
): { readonly given: readonly Argument[] | null; readonly next: number } {
  let at = index + 1;
  while (at < tokens.length && tokens[at]?.kind === 'space') at += 1;
  const open = tokens[at];
  if (open?.text !== '(') return { given: null, next: index + 1 };
  const given: Argument[] = [];
  let current: Token[] = [];
  let depth = 1;
  for (at += 1; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) break;
    const symbol = token.kind === 'symbol' ? token.text : '';
    if (opening.has(symbol)) depth += 1;
    if (closing.has(symbol)) depth -= 1;
    if (depth === 0) {
      const last = trimmed(current, token.start);
      return { given: given.length === 0 && last.text === '' ? [] : [...given, last], next: at + 1 };
    }
    if (symbol === ',' && depth === 1) {
      given.push(trimmed(current, token.start));
      current = [];
    } else current.push(token);
  }
  throw new QueryError(`The parenthesis of ${tokens[index]?.text ?? 'the macro'} is never closed.`, {
    hint: `Write ${usage(tokens[index]?.text ?? '')}.`,
    position: open.start,
  });
}

/** `schema.table` of its tokens, each part plain or quoted; null when it is no such name. */
function tableName(tokens: readonly Token[]): string | null {
  const [schema, dot, table, more] = tokens;
  const parts = [schema, table].map((token) => {
    if (token?.kind === 'word') return token.text;
    return token?.kind === 'quoted' ? token.text.slice(1, -1).replaceAll('""', '"') : null;
  });
  return dot?.text === '.' && more === undefined && !parts.includes(null) ? parts.join('.') : null;
}

const wordMacros = new Set(['$__interval', '$__interval_ms']);

function usage(name: string): string {
  return macros.find((macro) => macro.name === name)?.signature ?? name;
}

/** Expands the macros of one text; holds what `$__timeGroup` said. */
class Expansion {
  fill: Fill = { mode: 'none' };
  bucketMs: number | null = null;
  readonly #values: MacroValues;

  constructor(values: MacroValues) {
    this.#values = values;
  }

  run(tokens: readonly Token[]): MappedText {
    const mapper = new TextMapper();
    for (let index = 0; index < tokens.length;) {
      const token = tokens[index];
      if (token === undefined) break;
      if (token.kind !== 'variable' || token.text.startsWith('[[')) {
        mapper.keep(token.text, token.start);
        index += 1;
        continue;
      }
      const name = /^\$\{?(\w+)\}?$/.exec(token.text)?.[1] ?? '';
      const macro = `$${name}`;
      if (!macroNames.has(macro)) throw this.#unknown(token);
      // A word that takes no arguments leaves a parenthesis behind it alone.
      const { given, next } = wordMacros.has(macro) ? { given: null, next: index + 1 } : argumentsAt(tokens, index);
      mapper.put(this.#expand(macro, token, given), token.start);
      index = next;
    }
    return mapper.finish();
  }

  #unknown(token: Token): QueryError {
    if (/^\$\{?__/.test(token.text)) {
      return new QueryError(`There is no macro ${shown(token.text)}.`, {
        hint: `There are ${[...macroNames].join(', ')}.`,
        position: token.start,
      });
    }
    return new QueryError(`The variable ${shown(token.text)} has no value here.`, {
      hint: 'Only a dashboard that defines it gives it one; an alert rule has no variables: write the value itself.',
      position: token.start,
    });
  }

  #wrong(macro: string, wanted: string, at: number): QueryError {
    return new QueryError(`${macro} wants ${wanted}.`, { hint: `Write ${usage(macro)}.`, position: at });
  }

  #expand(macro: string, token: Token, given: readonly Argument[] | null): string {
    const { context, nodes, adHocFilters } = this.#values;
    const at = token.start;
    switch (macro) {
      case '$__timeFrom':
      case '$__timeTo':
        if (given !== null && given.length > 0) throw this.#wrong(macro, 'no argument', given[0]?.at ?? at);
        return timestampLiteral(macro === '$__timeFrom' ? context.fromMs : context.toMs);
      case '$__interval':
        return intervalLiteral(autoBucketMs(context));
      case '$__interval_ms':
        return String(autoBucketMs(context));
      case '$__timeFilter': {
        const column = this.#column(macro, at, given);
        return `(${column} >= ${timestampLiteral(context.fromMs)} AND ${column} < ${timestampLiteral(context.toMs)})`;
      }
      case '$__nodes': {
        const column = given === null || given.length === 0 ? 'node' : this.#column(macro, at, given);
        return nodes.length === 0 ? 'TRUE' : `(${column} IN ${literalList(nodes)})`;
      }
      case '$__unixEpochFilter': {
        const column = this.#column(macro, at, given);
        return `(${column} >= ${Math.floor(context.fromMs / 1000)} AND ${column} < ${Math.ceil(context.toMs / 1000)})`;
      }
      case '$__time':
        return `${this.#column(macro, at, given)} AS "time"`;
      case '$__timeGroup':
        return this.#timeGroup(macro, at, given);
      case '$__timeGroupAlias':
        return `${this.#timeGroup(macro, at, given)} AS "time"`;
      case '$__adHocFilters': {
        const [table, second] = given ?? [];
        const name = table === undefined || second !== undefined ? null : tableName(table.tokens);
        if (name === null) throw this.#wrong(macro, 'one table with its schema, as kubearmor.alerts', table?.at ?? at);
        return adHocCondition(name, adHocFilters);
      }
      case '$__conditionalAll':
        return this.#conditionalAll(macro, at, given);
      default:
        throw this.#unknown(token);
    }
  }

  #column(macro: string, at: number, given: readonly Argument[] | null): string {
    const [column, second] = given ?? [];
    if (column === undefined || column.text === '' || second !== undefined) {
      throw this.#wrong(macro, second === undefined ? 'a column' : 'one column, not more', second?.at ?? at);
    }
    return this.run(column.tokens).text;
  }

  #timeGroup(macro: string, at: number, given: readonly Argument[] | null): string {
    const [column, interval, fill, more] = given ?? [];
    if (column === undefined || column.text === '') throw this.#wrong(macro, 'a column and an interval', at);
    if (interval === undefined || interval.text === '') {
      throw this.#wrong(macro, 'an interval after the column, as 5m or auto', column.at);
    }
    if (more !== undefined) throw this.#wrong(macro, 'no more than a column, an interval and a fill', more.at);
    const { context, timezone } = this.#values;
    const written = interval.text.replace(/^'(.*)'$/s, '$1');
    const auto = /^(auto|\$__interval|\$\{__interval\})$/.test(written);
    const width = auto ? autoBucketMs(context) : intervalMs(written);
    if (width === null) {
      const unit = /^\d+\s*(M|mon|months?|y|years?)$/.exec(written)?.[1];
      const error = this.#wrong(macro, `an interval as 30s, 5m, 1h, 1d or auto, not "${shown(written)}"`, interval.at);
      if (unit === undefined) throw error;
      // Months have no width of their own.
      const part = unit.toLowerCase().startsWith('y') ? 'year' : 'month';
      const hint = `Months and years: date_trunc('${part}', ${shown(column.text)}) AS time.`;
      throw new QueryError(error.message, { hint, position: interval.at });
    }
    this.bucketMs = width;
    if (fill !== undefined) this.fill = this.#fillOf(macro, fill);
    return bucketSql(this.run(column.tokens).text, bucketsOf(context, width, timezone));
  }

  #fillOf(macro: string, { text, at }: Argument): Fill {
    const word = text.toLowerCase();
    if (word === 'null') return { mode: 'null' };
    if (word === 'previous') return { mode: 'previous' };
    if (/^-?\d+(\.\d+)?$/.test(word)) return { mode: 'value', value: Number(word) };
    throw this.#wrong(macro, `NULL, previous or a number as its fill, not "${shown(text)}"`, at);
  }

  /** The dashboard has put in TRUE or the predicate; what is left of it here met no dashboard. */
  #conditionalAll(macro: string, at: number, given: readonly Argument[] | null): never {
    const [predicate, variable, more] = given ?? [];
    if (predicate === undefined || predicate.text === '' || variable === undefined || more !== undefined) {
      throw this.#wrong(macro, 'a predicate and a variable', more?.at ?? at);
    }
    const [name, second] = variable.tokens;
    if (name?.kind !== 'variable' || second !== undefined) {
      throw this.#wrong(macro, `a variable as its second argument, not "${shown(variable.text)}"`, variable.at);
    }
    throw this.#unknown(name);
  }
}

/**
 * Replaces the macros of SQL, by its tokens: what stands in strings, comments and quoted names is left alone.
 * @throws QueryError that says what a macro wanted, and where.
 */
export function expandMacros(sql: string, values: MacroValues): ExpandedSql {
  const expansion = new Expansion(values);
  const { text, originalPosition } = expansion.run(tokenize(sql));
  return { text, originalPosition, fill: expansion.fill, bucketMs: expansion.bucketMs };
}
