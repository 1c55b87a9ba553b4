import { ArmorlakeError, foldName } from '../../core/index.js';
import {
  aggregateByName,
  allowedAggregates,
  allowedFunctions,
  allowedTableFunctions,
  allowedWindowFunctions,
  bareSettings,
  refusalOf,
} from './functions.js';
import { Cost, checkParts } from './cost.js';
import { nearest } from './nearest.js';
import type { PatternParameter } from './patterns.js';
import type { FieldKind } from './shapes.js';
import { ctesOf, isNothing, leafKinds, shapeOf } from './shapes.js';
import type { Json, TreeRecord } from './tree.js';
import { characterOffset, isList, isRecord, locationOf, recordsOf, textOf, textsOf } from './tree.js';
import type { Scope } from './walk.js';
import { visit } from './walk.js';

/** Records nested at most; DuckDB's own limit is far above what people write. */
const MAX_DEPTH = 300;

/** `$1` or `$name`, as they are written without quotes. */
const plainParameter = /^(\d+|[\p{L}_][\p{L}\p{N}_]*)$/u;

/** What containment needs to know of the tables; the lake's `Table` has it. */
export interface KnownTable {
  readonly schema: string;
  readonly name: string;
}

/** What a contained statement turned out to be. */
export interface Contained {
  /** `schema.name` of each known table it reads, in the order of first use. */
  readonly tables: readonly string[];
  /** Names of its parameters, `1`, `2`, … for positional ones. */
  readonly parameters: readonly string[];
  /** FROM items that are range or generate_series: their size is to be checked before anything runs. */
  readonly series: readonly TreeRecord[];
  /** Parameters that are patterns of LIKE and its kin: their values are to be checked. */
  readonly patterns: readonly PatternParameter[];
}

/** Aliases given anywhere in the statement: a bare word that is one of them is a column. */
function aliasesOf(statement: TreeRecord): ReadonlySet<string> {
  const names = new Set<string>();
  visit(statement, 'statement', {
    enter(record) {
      const alias = textOf(record, 'alias');
      if (alias !== '') names.add(foldName(alias));
      for (const key of ['column_name_alias', 'aliases']) {
        for (const name of textsOf(record, key)) names.add(foldName(name));
      }
    },
  });
  return names;
}

/** The rules for one statement; errors are placed by character in the SQL as the user wrote it. */
class Containment {
  readonly tables = new Set<string>();
  readonly series: TreeRecord[] = [];
  readonly parameters = new Set<string>();
  readonly cost = new Cost((...refused) => this.refuse(...refused));
  /** Calls in FROM, which have rules of their own. */
  readonly #calls = new Set<TreeRecord>();
  readonly #sql: string;
  readonly #known: ReadonlyMap<string, string>;
  readonly #aliases: ReadonlySet<string>;

  constructor(sql: string, known: readonly KnownTable[], aliases: ReadonlySet<string>) {
    this.#sql = sql;
    this.#aliases = aliases;
    this.#known = new Map(
      known.map((table) => [foldName(`${table.schema}.${table.name}`), `${table.schema}.${table.name}`]),
    );
  }

  readonly enter = (record: TreeRecord, kind: FieldKind, scope: Scope, depth: number): void => {
    if (depth > MAX_DEPTH) {
      throw new ArmorlakeError('NOT_ALLOWED', 'The query nests too deep.', {
        hint: 'Split it with WITH, or use IN (…) instead of a long chain of OR.',
      });
    }
    const shape = shapeOf(record, kind);
    if (shape === undefined) throw this.#refuse(record, `${this.#nameOf(record)} is not allowed in queries`);
    for (const [key, value] of Object.entries(record)) {
      const field = shape[key];
      if (field === undefined && !isNothing(value)) {
        throw this.#refuse(record, `${this.#nameOf(record)} with "${key}" is not allowed in queries`);
      }
      if (field !== undefined && leafKinds.has(field)) this.#leaf(record, key, field, value);
    }
    this.cost.enter(record, kind);
    if (kind === 'expression') this.#expression(record);
    else if (kind === 'table') this.#table(record, scope);
    else if (kind === 'query') this.#cteNames(record);
  };

  #cteNames(query: TreeRecord): void {
    for (const { name } of ctesOf(query)) {
      // Where a name is none of a CTE's after all, DuckDB looks for its own views, and for files.
      if (/^(duckdb_|pg_|pragma_|sqlite_)|[./\\*?[:]/i.test(name)) {
        throw this.#refuse(query, `A CTE may not be called "${name}"`, 'Choose another name.');
      }
    }
  }

  #nameOf(record: TreeRecord): string {
    return (textOf(record, 'class') || textOf(record, 'type') || 'This form').replaceAll('_', ' ');
  }

  #positionOf(record: TreeRecord): number | undefined {
    const at = locationOf(record);
    return at === null ? undefined : characterOffset(this.#sql, at);
  }

  readonly refuse = (record: TreeRecord, sentence: string, hint: string): never => {
    throw this.#refuse(record, sentence, hint);
  };

  #refuse(record: TreeRecord, sentence: string, hint?: string): ArmorlakeError {
    return new ArmorlakeError('NOT_ALLOWED', `${sentence}.`, { hint, position: this.#positionOf(record) });
  }

  #leaf(record: TreeRecord, key: string, field: FieldKind, value: Json): void {
    if (field === 'sample' && isRecord(value) && value['is_percentage'] !== true) {
      throw this.#refuse(
        record,
        'A sample of a fixed number of rows is not allowed: it can not be drawn fairly from several nodes',
        'Sample a percentage: TABLESAMPLE 10%, or take the latest: ORDER BY time DESC LIMIT 100.',
      );
    }
    if (field === 'at' && !isNothing(value)) throw this.#refuse(record, 'AT (…) is not allowed in queries');
    // Types, constants and plain values hold no expressions; should a later DuckDB put one there, it is refused.
    if (holdsNode(value)) throw this.#refuse(record, `An expression in "${key}" is not allowed in queries`);
    if (field === 'type' && namesSchema(value)) {
      throw this.#refuse(record, 'Types of a schema are not allowed in queries', 'Use one of the built-in types.');
    }
  }

  #expression(record: TreeRecord): void {
    switch (textOf(record, 'class')) {
      case 'FUNCTION':
        // Once: the same record in another place is no call in FROM.
        if (!this.#calls.delete(record)) this.#function(record, allowedFunctions);
        break;
      case 'WINDOW':
        this.#function(record, allowedWindowFunctions);
        break;
      case 'PARAMETER':
        this.#parameter(record);
        break;
      case 'COLUMN_REF':
        this.#column(record);
        break;
      default:
        break;
    }
  }

  #parameter(record: TreeRecord): void {
    const name = textOf(record, 'identifier');
    if (!plainParameter.test(name)) {
      throw this.#refuse(record, `A parameter may not be called "${name}"`, 'Name it with letters, digits and _.');
    }
    this.parameters.add(name);
  }

  #column(record: TreeRecord): void {
    const names = textsOf(record, 'column_names').map(foldName);
    if (names.at(-1) === 'rowid') {
      throw this.#refuse(
        record,
        'rowid is not allowed: it is not the same from one run to the next',
        'Use (node, seq): it identifies an event for ever.',
      );
    }
    const [only] = names;
    if (names.length === 1 && only !== undefined && this.#isSetting(only)) {
      throw this.#refuse(
        record,
        `"${only}" is no column here`,
        only.includes('user') ? 'The column is called user_name.' : 'Give a column of yours another name.',
      );
    }
  }

  /** `user` is a word that people give as a name, and its setting says nothing; the others are refused whatever is so called. */
  #isSetting(name: string): boolean {
    return bareSettings.has(name) && !(name === 'user' && this.#aliases.has(name));
  }

  #function(record: TreeRecord, allowed: ReadonlySet<string>): void {
    const name = foldName(textOf(record, 'function_name'));
    if (!allowed.has(name)) {
      const { reason, hint } = refusalOf(name);
      const near = hint === undefined ? nearest(name, [...allowed], name.length < 8 ? 1 : 2) : undefined;
      throw this.#refuse(
        record,
        `The function ${name} is not allowed: ${reason}`,
        hint ?? (near === undefined ? undefined : `Did you mean ${near}?`),
      );
    }
    if (record['export_state'] === true) throw this.#refuse(record, 'EXPORT_STATE is not allowed in queries');
    if (name === 'age' && recordsOf(record, 'children').length < 2) {
      throw this.#refuse(
        record,
        'age with one argument is not allowed: it depends on the day',
        'Write age(now(), time).',
      );
    }
    if (aggregateByName.has(name)) this.#namedAggregate(record, name);
  }

  #namedAggregate(record: TreeRecord, name: string): void {
    const given = recordsOf(record, 'children')[1]?.['value'];
    const aggregate = isRecord(given) && typeof given['value'] === 'string' ? foldName(given['value']) : null;
    if (aggregate === null || !allowedAggregates.has(aggregate)) {
      throw this.#refuse(record, `${name} needs the name of an allowed aggregate as its second argument`, "As 'sum'.");
    }
  }

  #table(record: TreeRecord, scope: Scope): void {
    switch (textOf(record, 'type')) {
      case 'BASE_TABLE':
        this.#baseTable(record, scope);
        break;
      case 'TABLE_FUNCTION':
        this.#tableFunction(record);
        break;
      case 'JOIN':
        if (textOf(record, 'ref_type') === 'POSITIONAL') {
          throw this.#refuse(
            record,
            'POSITIONAL JOIN is not allowed: rows of several nodes have no common order',
            'Join on columns, or number the rows with row_number() and join on that.',
          );
        }
        break;
      case 'SHOW_REF':
        this.#show(record);
        break;
      case 'PIVOT':
        if (recordsOf(record, 'pivots').some((pivot) => textOf(pivot, 'pivot_enum') !== '')) {
          throw this.#refuse(
            record,
            'PIVOT over an ENUM type is not allowed',
            "List the values: ON type IN ('a', 'b').",
          );
        }
        break;
      default:
        break;
    }
  }

  #show(record: TreeRecord): void {
    const type = textOf(record, 'show_type');
    if (type === 'SUMMARY') {
      throw this.#refuse(
        record,
        'SUMMARIZE is not allowed',
        'Ask for what you need: SELECT count(*), min(time), max(time), approx_count_distinct(host) FROM …',
      );
    }
    if (type !== 'DESCRIBE' || !isRecord(record['query'])) {
      throw this.#refuse(record, 'SHOW is not allowed', 'GET /api/v1/catalog lists the tables; DESCRIBE shows one.');
    }
  }

  #tableFunction(record: TreeRecord): void {
    const call = record['function'];
    if (!isRecord(call)) throw this.#refuse(record, 'This table function is not allowed');
    const name = foldName(textOf(call, 'function_name'));
    if (!allowedTableFunctions.has(name)) {
      const { reason, hint } = refusalOf(name);
      throw this.#refuse(
        record,
        `The table function ${name} is not allowed: ${reason}`,
        hint ?? 'Allowed are unnest, range and generate_series.',
      );
    }
    this.#calls.add(call);
    if (name === 'unnest') return;
    if (!recordsOf(call, 'children').every(isConstant)) {
      throw this.#refuse(record, `${name} in FROM needs constant bounds`, `As ${name}(1, 100).`);
    }
    this.series.push(call);
  }

  #baseTable(record: TreeRecord, scope: Scope): void {
    const catalog = textOf(record, 'catalog_name');
    const schema = textOf(record, 'schema_name');
    const name = textOf(record, 'table_name');
    const own = foldName(`${schema}.${name}`);
    if (catalog === '') {
      if (schema === '' && scope.has(foldName(name))) return;
      if (foldName(schema) === 'recurring' && scope.has(foldName(name))) return;
      const known = this.#known.get(own);
      if (known !== undefined) {
        this.tables.add(known);
        return;
      }
    }
    const written = [catalog, schema, name].filter((part) => part !== '').join('.');
    const near = nearest(schema === '' ? name : `${schema}.${name}`, [...this.#known.values()]);
    throw new ArmorlakeError('UNKNOWN_TABLE', `There is no table ${written}.`, {
      hint:
        near === undefined
          ? 'GET /api/v1/catalog lists the tables; they are written as kubearmor.logs.'
          : `Did you mean ${near}?`,
      position: this.#positionOf(record),
    });
  }
}

/** The words a function call in FROM may be wrapped in and still be a constant. */
function isConstant(expression: TreeRecord): boolean {
  let constant = true;
  visit(expression, 'expression', {
    enter(record, kind) {
      if (kind !== 'expression') return;
      if (!['CONSTANT', 'CAST', 'FUNCTION', 'OPERATOR'].includes(textOf(record, 'class'))) constant = false;
    },
  });
  return constant;
}

function holdsNode(value: Json): boolean {
  if (isList(value)) return value.some(holdsNode);
  if (!isRecord(value)) return false;
  return typeof value['class'] === 'string' || Object.values(value).some(holdsNode);
}

/** True when a logical type names a catalog or a schema: a user-defined type. */
function namesSchema(value: Json): boolean {
  if (isList(value)) return value.some(namesSchema);
  if (!isRecord(value)) return false;
  if (textOf(value, 'schema') !== '' || textOf(value, 'catalog') !== '') return true;
  return Object.values(value).some(namesSchema);
}

/**
 * Checks one statement of DuckDB's tree against the allow lists.
 * @param sql the SQL the tree was made of: errors point into it.
 * @throws ArmorlakeError NOT_ALLOWED or UNKNOWN_TABLE with the position where DuckDB knows it.
 */
export function contain(sql: string, statement: TreeRecord, known: readonly KnownTable[]): Contained {
  const rules = new Containment(sql, known, aliasesOf(statement));
  visit(statement, 'statement', { enter: rules.enter });
  checkParts(statement, rules.refuse);
  const { series, cost } = rules;
  return { tables: [...rules.tables], parameters: [...rules.parameters], series, patterns: cost.patterns };
}
