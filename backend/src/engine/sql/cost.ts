import { foldName } from '../../core/index.js';
import { growthOf } from './growth.js';
import { isGuarded } from './guards.js';
import type { PatternFault, PatternParameter } from './patterns.js';
import { constantText, patternFault, patternKindOf, patternOf } from './patterns.js';
import { isPlainRegexp, isRegexp, regexpFault } from './regexps.js';
import type { FieldKind } from './shapes.js';
import { isSized, sizeFault } from './sizes.js';
import { ctesOf } from './shapes.js';
import { withoutTexts } from './texts.js';
import type { Json, TreeRecord } from './tree.js';
import { isList, isRecord, recordsOf, textOf, textsOf } from './tree.js';
import { visit } from './walk.js';
import { asRegexp } from './wildcards.js';

/** Characters of one statement at most, with all its texts and without what they hold. */
const MAX_LENGTH = 2_000_000;
const MAX_BARE_LENGTH = 100_000;
/** Records of one statement at most. */
const MAX_RECORDS = 60_000;
const MAX_CTES = 300;
/** Parts of a column's name: table, column and the fields of structs; DuckDB crashes over tens of thousands. */
const MAX_NAME_PARTS = 20;
/** The order of joins is searched for before anything can be interrupted: at 50 it takes seconds. */
const MAX_JOINS = 40;
/** Each condition may tie two of the joined: 20 of them, each tied to each, take more than five seconds. */
const MAX_JOIN_EDGES = 1600;
const FEW_JOINS = 8;
const MAX_TABLES = 200;
const MAX_QUERIES = 500;
/** A chain of 16 CTEs of which each names the former twice takes two seconds; this is one of 11. */
const MAX_EXPANDED = 5000;
const MAX_WINDOWS = 100;
const MAX_GROUPING_SETS = 1024;
/** Aggregates with FILTER take time by their number squared: 1,000 of them 1.5 seconds, 2,000 six. */
const MAX_FILTERS = 1000;
/** Each of them all columns of its tables. */
const MAX_STARS = 100;
const MAX_PIVOT_COLUMNS = 2000;
const MAX_TYPE_DEPTH = 16;
const MAX_LAMBDA_DEPTH = 2;
/** JSON paths and structures are parsed recursively, before the first row. */
const MAX_JSON_TEXT = 1000;
/** So many times longer than its input a value may become, and so many bytes out of constants alone. */
const MAX_GROWTH = 10_000;
const MAX_CONSTANT_BYTES = 16_000_000;

/** `/*` in the text: DuckDB's lexer reads on to the end for each of them. */
const MAX_COMMENTS = 200;
/** What GROUP BY may list when it makes grouping sets: the parser writes out each set with all its columns. */
const MAX_SET_COLUMNS = 32;

/** Throws the refusal of a record. */
export type Refuse = (record: TreeRecord, sentence: string, hint: string) => never;

/** What is wrong with the text itself, before DuckDB parses it; null for nothing. */
export function textFault(given: string): { readonly sentence: string; readonly hint: string } | null {
  if (given.length > MAX_LENGTH) {
    return { sentence: `The SQL has more than ${MAX_LENGTH} characters`, hint: 'Ask in several queries.' };
  }
  const sql = withoutTexts(given);
  if (sql.length > MAX_BARE_LENGTH) {
    return {
      sentence: `The SQL has more than ${MAX_BARE_LENGTH} characters beside its texts`,
      hint: "Pass long lists as parameters (host IN $hosts), or as one text: pid IN (SELECT unnest('[1, 2]'::INTEGER[])).",
    };
  }
  if (sql.split('/*', MAX_COMMENTS + 2).length > MAX_COMMENTS + 1) {
    return {
      sentence: `The SQL has more than ${MAX_COMMENTS} comments`,
      hint: 'Leave them out; pass texts that hold /* as parameters.',
    };
  }
  if (!/\b(?:rollup|cube|grouping)\b/i.test(sql)) return null;
  const grouping = /\bgroup\b/i.exec(sql);
  const commas = sql.slice(grouping?.index ?? 0).split(',', MAX_SET_COLUMNS + 2).length - 1;
  if (commas < MAX_SET_COLUMNS) return null;
  return {
    sentence: `After GROUP BY with ROLLUP, CUBE or GROUPING SETS the SQL lists more than ${MAX_SET_COLUMNS} items`,
    hint: 'Group by fewer columns, and put what follows into a query around it.',
  };
}

/** Sums up what a statement would cost DuckDB where it can't be interrupted; fed by containment's visit. */
export class Cost {
  readonly patterns: PatternParameter[] = [];
  readonly #refuse: Refuse;
  #records = 0;
  #windows = 0;
  #filters = 0;
  #stars = 0;
  #ctes = 0;
  #collates = false;
  /** A pattern that has to run as a regular expression, which knows no collation. */
  #rewritten: TreeRecord | null = null;

  constructor(refuse: Refuse) {
    this.#refuse = refuse;
  }

  enter(record: TreeRecord, kind: FieldKind): void {
    if (++this.#records > MAX_RECORDS) {
      this.#refuse(
        record,
        `The query has more than ${MAX_RECORDS} parts`,
        'Pass long lists as parameters: host IN $hosts.',
      );
    }
    if (kind === 'expression') this.#expression(record);
    else if (kind === 'query') this.#query(record);
    else if (kind === 'table' && textOf(record, 'type') === 'PIVOT') this.#pivot(record);
  }

  #expression(record: TreeRecord): void {
    switch (textOf(record, 'class')) {
      case 'COLUMN_REF':
        if (textsOf(record, 'column_names').length > MAX_NAME_PARTS) {
          this.#refuse(record, `A name has more than ${MAX_NAME_PARTS} parts`, 'As table.column.field.');
        }
        break;
      case 'COLLATE':
        this.#collates = true;
        this.#collated();
        break;
      case 'CAST':
        this.#type(record, record['cast_type'] ?? null, 0);
        break;
      case 'FUNCTION':
        this.#function(record);
        break;
      case 'STAR':
        if (++this.#stars > MAX_STARS) {
          this.#refuse(record, `The query has more than ${MAX_STARS} stars`, 'Name the columns that you need.');
        }
        break;
      case 'LAMBDA':
        this.#jsonText(record, record['expr'] ?? null);
        break;
      case 'WINDOW':
        if (++this.#windows > MAX_WINDOWS) {
          this.#refuse(record, `The query has more than ${MAX_WINDOWS} windows`, 'Ask in several queries.');
        }
        break;
      default:
        break;
    }
  }

  #function(record: TreeRecord): void {
    const name = foldName(textOf(record, 'function_name'));
    const children = recordsOf(record, 'children');
    const asMethod = !/^(main|system|pg_catalog)?$/i.test(textOf(record, 'schema'));
    const regexp = isRegexp(name);
    // As a method it has the pattern first.
    if (asMethod && (isGuarded(name) || isSized(name) || (regexp && !isPlainRegexp(children[0])))) {
      this.#refuse(record, `${name} takes its first argument in the brackets here`, `As ${name}(x, …).`);
    }
    const size = sizeFault(record);
    if (size !== null) this.#refuse(record, size.sentence, size.hint);
    if (isRecord(record['filter']) && ++this.#filters > MAX_FILTERS) {
      const hint = 'Group by what they filter, or ask in several queries.';
      this.#refuse(record, `The query has more than ${MAX_FILTERS} aggregates with FILTER`, hint);
    }
    const kind = patternKindOf(record);
    if (kind !== undefined || regexp) {
      const { text, parameter } = patternOf(children[asMethod ? 0 : 1]) ?? {};
      const faultOf = (pattern: string): PatternFault | null =>
        kind === undefined ? regexpFault(pattern) : patternFault(kind, pattern);
      const rewritten = !regexp && asRegexp(record) !== null;
      if (rewritten) {
        this.#rewritten ??= record;
        this.#collated();
      }
      const fault = text === undefined || regexp || rewritten ? null : faultOf(text);
      if (fault !== null) this.#refuse(record, fault.sentence, fault.hint);
      if (parameter !== undefined) this.patterns.push({ name: parameter, faultOf });
    }
    if (/^(json_|from_json|->)/.test(name)) for (const child of children.slice(1)) this.#jsonText(record, child);
    if (/^(from_json|json_transform)/.test(name) && constantText(children[1]) === null) {
      this.#refuse(record, `${name} needs its structure as a text in the SQL`, `As ${name}(x, '{"a": "VARCHAR"}').`);
    }
    if (children.some(isLambda) && lambdaDepth(record) > MAX_LAMBDA_DEPTH) {
      this.#refuse(record, `Lambdas nest more than ${MAX_LAMBDA_DEPTH} deep`, 'Unnest the lists in FROM, and join.');
    }
    const { factor, bytes } = growthOf(record);
    if (factor > MAX_GROWTH || bytes > MAX_CONSTANT_BYTES) {
      this.#refuse(record, `${name} makes a value of any size out of little SQL`, 'Replace by shorter texts.');
    }
  }

  #collated(): void {
    if (!this.#collates || this.#rewritten === null) return;
    const hint = 'Write ILIKE, or lower(x) LIKE …, without COLLATE in the query.';
    this.#refuse(this.#rewritten, 'A pattern with so many wildcards takes no collation', hint);
  }

  #jsonText(record: TreeRecord, given: Json): void {
    if (isList(given)) return;
    if (!isRecord(given)) return;
    for (const each of [given, ...recordsOf(given, 'children')]) {
      if ((constantText(each)?.length ?? 0) > MAX_JSON_TEXT) {
        this.#refuse(
          record,
          `A JSON path or structure may have ${MAX_JSON_TEXT} characters`,
          'Ask for fewer fields at once.',
        );
      }
    }
  }

  #type(record: TreeRecord, type: Json, depth: number): void {
    if (depth > MAX_TYPE_DEPTH) {
      this.#refuse(record, `The type nests more than ${MAX_TYPE_DEPTH} deep`, 'Cast to JSON instead.');
    }
    if (isList(type)) for (const each of type) this.#type(record, each, depth);
    if (!isRecord(type)) return;
    const id = textOf(type, 'id');
    if (id === 'VARIANT' || id === 'BIGNUM') {
      this.#refuse(
        record,
        `The type ${id} is not allowed in queries`,
        id === 'BIGNUM' ? 'Use HUGEINT or DOUBLE.' : 'Use JSON.',
      );
    }
    for (const each of Object.values(type)) {
      if (typeof each === 'object') this.#type(record, each, depth + (id === '' ? 0 : 1));
    }
  }

  #query(record: TreeRecord): void {
    this.#ctes += ctesOf(record).length;
    if (this.#ctes > MAX_CTES) {
      this.#refuse(record, `The query has more than ${MAX_CTES} CTEs`, 'Ask in several queries.');
    }
    const sets = record['group_sets'];
    if (isList(sets) && sets.length > MAX_GROUPING_SETS) {
      this.#refuse(record, `GROUP BY makes more than ${MAX_GROUPING_SETS} grouping sets`, 'Name those that you need.');
    }
  }

  #pivot(record: TreeRecord): void {
    const columns = recordsOf(record, 'pivots').reduce(
      (product, pivot) => product * Math.max(1, recordsOf(pivot, 'entries').length),
      Math.max(1, recordsOf(record, 'aggregates').length),
    );
    if (columns > MAX_PIVOT_COLUMNS) {
      this.#refuse(
        record,
        `PIVOT would make more than ${MAX_PIVOT_COLUMNS} columns`,
        'List fewer values, or use GROUP BY.',
      );
    }
  }
}

function isLambda(record: TreeRecord): boolean {
  return textOf(record, 'class') === 'LAMBDA';
}

const depths = new WeakMap<TreeRecord, number>();

/** How many calls with lambdas stand within each other's lambdas. */
function lambdaDepth(call: TreeRecord): number {
  const known = depths.get(call);
  if (known !== undefined) return known;
  let deepest = 0;
  for (const lambda of recordsOf(call, 'children').filter(isLambda)) {
    visit(lambda, 'expression', {
      enter(record) {
        if (record !== lambda && recordsOf(record, 'children').some(isLambda)) {
          deepest = Math.max(deepest, lambdaDepth(record));
        }
      },
    });
  }
  depths.set(call, deepest + 1);
  return deepest + 1;
}

/** How many there are of what takes long to plan. */
interface Parts {
  readonly joins: number;
  readonly comparisons: number;
  readonly tables: number;
  readonly queries: number;
  /** All of these where each CTE counts as often as it is named: DuckDB may put it into each place. */
  readonly expanded: number;
}

const noParts: Parts = { joins: 0, comparisons: 0, tables: 0, queries: 0, expanded: 0 };

function sum(left: Parts, right: Parts): Parts {
  return {
    joins: left.joins + right.joins,
    comparisons: left.comparisons + right.comparisons,
    tables: left.tables + right.tables,
    queries: left.queries + right.queries,
    expanded: left.expanded + right.expanded,
  };
}

/** Refuses what takes long to plan: many joins, tables and SELECTs, and chains of CTEs that double what came before. */
export function checkParts(statement: TreeRecord, refuse: Refuse): void {
  const { joins, comparisons, tables, queries, expanded } = partsOf(statement, new Map());
  const root = isRecord(statement['node']) ? statement['node'] : statement;
  if (joins > MAX_JOINS) {
    refuse(root, `The query has more than ${MAX_JOINS} joins`, 'Use IN (…) or UNION ALL instead of joins.');
  }
  if (joins > FEW_JOINS && joins * comparisons > MAX_JOIN_EDGES) {
    refuse(root, 'The query has too many conditions for so many joins', 'Join fewer tables in one query.');
  }
  if (tables > MAX_TABLES) {
    refuse(root, `The query reads tables more than ${MAX_TABLES} times`, 'Read a table once, and use CASE or FILTER.');
  }
  if (queries > MAX_QUERIES) {
    refuse(root, `The query has more than ${MAX_QUERIES} SELECTs`, 'Use VALUES, or parameters.');
  }
  if (expanded > MAX_EXPANDED) {
    refuse(
      root,
      'The CTEs of the query name each other too often',
      'Name each of them once, and use unnest, CASE or FILTER.',
    );
  }
}

type Expanding = ReadonlyMap<string, number>;

function partsOf(value: Json, scope: Expanding): Parts {
  if (isList(value)) return value.reduce<Parts>((parts, each) => sum(parts, partsOf(each, scope)), noParts);
  if (!isRecord(value)) return noParts;
  let parts = ownParts(value, scope);
  let inner = scope;
  const ctes = ctesOf(value);
  if (ctes.length > 0) {
    const names = new Map(scope);
    inner = names;
    for (const { name, cte } of ctes) {
      const own = partsOf(cte, names);
      // Counted where it is named.
      parts = sum(parts, { ...own, expanded: 0 });
      names.set(foldName(name), own.expanded);
    }
  }
  for (const [key, each] of Object.entries(value)) {
    if (key !== 'cte_map' && typeof each === 'object') parts = sum(parts, partsOf(each, inner));
  }
  return parts;
}

function ownParts(record: TreeRecord, scope: Expanding): Parts {
  if (textOf(record, 'class') === 'COMPARISON') return { ...noParts, comparisons: 1 };
  switch (textOf(record, 'type')) {
    case 'JOIN':
      return { ...noParts, joins: 1, expanded: 1 };
    case 'SELECT_NODE':
      return { ...noParts, queries: 1, expanded: 1 };
    case 'BASE_TABLE':
      if (textOf(record, 'schema_name') !== '') return { ...noParts, tables: 1, expanded: 1 };
      return { ...noParts, expanded: scope.get(foldName(textOf(record, 'table_name'))) ?? 0 };
    default:
      return noParts;
  }
}
