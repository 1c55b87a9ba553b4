import { clampLimit, defaultQuery } from './defaults.js';
import { QueryError } from './errors.js';
import { migrate, isObject } from './migrate.js';
import type { JsonObject } from './migrate.js';
import type {
  AdHocFilter,
  Aggregate,
  AlertCoverage,
  ArmorlakeModel,
  BuilderQuery,
  Filter,
  LogContext,
  LogsVolume,
  OrderBy,
  ProcessQuery,
  ProcessTarget,
  QueryType,
  Scope,
} from './model.js';
import { LIMITS, aggregateFunctions, annotationKinds, filterOperators, queryTypes } from './model.js';
import { settingDefaults } from './settings.js';

function wrong(field: string, wanted: string): QueryError {
  return new QueryError(`The saved query's ${field} is not ${wanted}.`, {
    hint: 'Correct it where the query was written, or choose it again in the query editor.',
  });
}

/** Reads fields of one object; what is left out is the fallback, what is of another type is an error that names it. */
class Fields {
  readonly #of: JsonObject;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    if (value !== undefined && value !== null && !isObject(value)) throw wrong(path, 'an object');
    this.#of = isObject(value) ? value : {};
    this.#path = path;
  }

  has(name: string): boolean {
    return this.#of[name] !== undefined && this.#of[name] !== null;
  }

  #read<T>(name: string, fallback: T, wanted: string, check: (value: unknown) => value is T): T {
    const value = this.#of[name];
    if (value === undefined || value === null) return fallback;
    if (!check(value)) throw wrong(this.#name(name), wanted);
    return value;
  }

  #name(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }

  text(name: string, fallback = ''): string {
    const value = this.#of[name];
    if (typeof value === 'number') return String(value);
    return this.#read(name, fallback, 'a text', (each): each is string => typeof each === 'string');
  }

  number(name: string, fallback: number): number {
    return this.#read(name, fallback, 'a number', (each): each is number => Number.isFinite(each));
  }

  flag(name: string, fallback = false): boolean {
    return this.#read(name, fallback, 'true or false', (each): each is boolean => typeof each === 'boolean');
  }

  choice<T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const value = this.#of[name];
    if (value === '') return fallback;
    return this.#read(name, fallback, `one of ${choices.join(', ')}`, (each): each is T =>
      choices.some((choice) => choice === each),
    );
  }

  texts(name: string): readonly string[] {
    return this.list(name).map((value) => {
      if (typeof value === 'string') return value;
      if (typeof value === 'number' || typeof value === 'boolean') return String(value);
      throw wrong(this.#name(name), 'a list of texts');
    });
  }

  list(name: string): readonly unknown[] {
    return this.#read<readonly unknown[]>(name, [], 'a list', Array.isArray);
  }

  objects(name: string): readonly Fields[] {
    return this.list(name).map((value, index) => new Fields(value ?? {}, `${this.#name(name)}[${String(index)}]`));
  }

  object(name: string): Fields {
    return new Fields(this.#of[name], this.#name(name));
  }

  names(): readonly string[] {
    return Object.keys(this.#of);
  }
}

function scopeOf(fields: Fields): Scope {
  const labels = fields.object('labels');
  return {
    clusters: fields.texts('clusters'),
    nodes: fields.texts('nodes'),
    labels: Object.fromEntries(labels.names().map((key) => [key, labels.texts(key)])),
  };
}

function filterOf(fields: Fields): Filter {
  return {
    column: fields.text('column'),
    ...(fields.has('key') ? { key: fields.text('key') } : {}),
    operator: fields.choice('operator', filterOperators, 'is'),
    values: fields.texts('values'),
  };
}

function aggregateOf(fields: Fields): Aggregate {
  return {
    function: fields.choice('function', aggregateFunctions, 'count'),
    ...(fields.has('column') ? { column: fields.text('column') } : {}),
    ...(fields.has('alias') ? { alias: fields.text('alias') } : {}),
  };
}

function orderOf(fields: Fields): OrderBy {
  return { by: fields.text('by'), descending: fields.flag('descending') };
}

function builderOf(fields: Fields, fallback: ArmorlakeModel): BuilderQuery {
  const { builder, queryType } = fallback;
  return {
    table: fields.text('table', builder.table),
    columns: fields.texts('columns'),
    filters: fields.objects('filters').map(filterOf),
    aggregates: fields.has('aggregates') ? fields.objects('aggregates').map(aggregateOf) : builder.aggregates,
    groupBy: fields.texts('groupBy'),
    timeBucket: fields.has('timeBucket') ? fields.text('timeBucket') : builder.timeBucket,
    orderBy: fields.objects('orderBy').map(orderOf),
    limit: clampLimit(queryType, fields.number('limit', builder.limit)),
  };
}

function targetOf(fields: Fields): ProcessTarget {
  const node = fields.text('node');
  return fields.choice('by', ['event', 'pid'], 'event') === 'event'
    ? { by: 'event', node, seq: fields.text('seq') }
    : { by: 'pid', node, host: fields.text('host'), pid: fields.text('pid'), time: fields.text('time') };
}

function variablesOf(fields: Fields): NonNullable<ProcessQuery['variables']> {
  return { node: fields.text('node'), seq: fields.text('seq') };
}

function processOf(fields: Fields, fallback: ProcessQuery): ProcessQuery {
  const most = LIMITS.graph.most;
  return {
    target: fields.has('target') ? targetOf(fields.object('target')) : null,
    view: fields.choice('view', ['table', 'waterfall'], fallback.view),
    graph: fields.choice('graph', ['process', 'behaviour'], fallback.graph),
    nodeLimit: Math.min(most, Math.max(1, Math.floor(fields.number('nodeLimit', fallback.nodeLimit)))),
    ...(fields.has('variables') ? { variables: variablesOf(fields.object('variables')) } : {}),
  };
}

function alertCoverageOf(fields: Fields): AlertCoverage {
  switch (fields.choice('mode', ['fail', 'atLeast', 'ignore'], 'fail')) {
    case 'fail':
      return { mode: 'fail', gaps: fields.flag('gaps') };
    case 'atLeast':
      return { mode: 'atLeast', percent: Math.min(100, Math.max(0, fields.number('percent', 95))) };
    case 'ignore':
      return { mode: 'ignore' };
  }
}

function adHocOf(fields: Fields): AdHocFilter {
  return { key: fields.text('key'), operator: fields.text('operator', '='), values: fields.texts('values') };
}

function derivedOf(fields: Fields): LogsVolume | LogContext {
  if (fields.choice('kind', ['volume', 'context'], 'volume') === 'volume') return { kind: 'volume' };
  return {
    kind: 'context',
    direction: fields.choice('direction', ['before', 'after'], 'before'),
    node: fields.text('node'),
    seq: fields.text('seq'),
    timeNs: fields.text('timeNs'),
    limit: clampLimit('logs', fields.number('limit', 50)),
  };
}

function fallbackOf(queryType: QueryType, table: string, rowLimit: number | undefined): ArmorlakeModel {
  const fallback = defaultQuery(queryType, table);
  if (queryType !== 'table' || rowLimit === undefined) return fallback;
  return { ...fallback, builder: { ...fallback.builder, limit: rowLimit }, sqlLimit: rowLimit };
}

/**
 * A saved or posted query as a complete model: migrated, checked, what is left out as `defaultQuery` has it. What a
 * viewer saved is never written back by this.
 * @param defaultTable The table of a builder that names none.
 * @param rowLimit The limit of a table query that has none.
 * @throws QueryError for a newer version, an unknown type, and a field that is not what it should be.
 */
export function parseModel(
  value: unknown,
  defaultTable: string = settingDefaults.defaultTable,
  rowLimit?: number,
): ArmorlakeModel {
  if (!isObject(value)) throw new QueryError('The query is no JSON object.');
  const fields = new Fields(migrate(value), '');
  const queryType = fields.choice('queryType', queryTypes, 'table');
  const fallback = fallbackOf(queryType, defaultTable, rowLimit);
  return {
    schemaVersion: fallback.schemaVersion,
    queryType,
    scope: scopeOf(fields.object('scope')),
    editor: fields.choice('editor', ['builder', 'sql'], fallback.editor),
    builder: builderOf(fields.object('builder'), fallback),
    sql: fields.text('sql'),
    sqlLimit: clampLimit(queryType, fields.number('sqlLimit', fallback.sqlLimit)),
    process: processOf(fields.object('process'), fallback.process),
    annotation: fields.choice('annotation', annotationKinds, fallback.annotation),
    perNode: fields.flag('perNode'),
    partial: fields.has('partial')
      ? fields.choice<'warn' | 'fail' | 'ignore'>('partial', ['warn', 'fail', 'ignore'], 'warn')
      : null,
    alertCoverage: alertCoverageOf(fields.object('alertCoverage')),
    ...(fields.has('adHocFilters') ? { adHocFilters: fields.objects('adHocFilters').map(adHocOf) } : {}),
    ...(fields.has('timezone') ? { timezone: fields.text('timezone') } : {}),
    ...(fields.has('live') ? { live: fields.flag('live') } : {}),
    ...(fields.has('replacedSql') ? { replacedSql: fields.flag('replacedSql') } : {}),
    ...(fields.has('interpolated') ? { interpolated: fields.flag('interpolated') } : {}),
    ...(fields.has('derived') ? { derived: derivedOf(fields.object('derived')) } : {}),
  };
}
