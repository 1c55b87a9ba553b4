import { columnSql, formatColumn, parseColumn } from './columns.js';
import { clampLimit } from './defaults.js';
import { QueryError } from './errors.js';
import type { ValueMode } from './filters.js';
import { intervalMs } from './intervals.js';
import type { Aggregate, BuilderQuery, OrderBy, QueryType } from './model.js';
import { identifier, shown, tableReference } from './quoting.js';
import { tableOf } from './tables.js';
import { conditionsOf, whereLines } from './where.js';

/** One column of the answer. */
interface Output {
  readonly name: string;
  readonly sql: string;
  /** As ORDER BY may also name it. */
  readonly alsoCalled?: string;
}

const QUANTILES = { p95: '0.95', p99: '0.99' } as const;

function aggregateSql({ function: name, column }: Aggregate): string {
  if (column === undefined || column === '') {
    if (name === 'count') return 'count(*)';
    throw new QueryError(`The aggregate ${name} wants a column.`, { hint: 'Choose one, or count rows.' });
  }
  const sql = columnSql(parseColumn(column));
  switch (name) {
    case 'count_distinct':
      return `count(DISTINCT ${sql})`;
    case 'p95':
    case 'p99':
      return `quantile_cont(${sql}, ${QUANTILES[name]})`;
    case 'count':
    case 'min':
    case 'max':
    case 'sum':
    case 'avg':
    case 'median':
    case 'any_value':
      return `${name}(${sql})`;
  }
}

/** What an aggregate is called in the answer, as ORDER BY names it. */
export function aggregateName({ function: name, column, alias }: Aggregate): string {
  if (alias !== undefined && alias !== '') return alias;
  if (column === undefined || column === '') return name;
  const { key, column: plain } = parseColumn(column);
  return `${name}_${key ?? plain}`;
}

/** Names each once: what comes again gets a number. */
function unique(outputs: readonly Output[]): readonly Output[] {
  const seen = new Map<string, number>();
  return outputs.map((output) => {
    const folded = output.name.toLowerCase();
    const times = (seen.get(folded) ?? 0) + 1;
    seen.set(folded, times);
    return times === 1 ? output : { ...output, name: `${output.name}_${String(times)}` };
  });
}

function columnOutput(text: string): Output {
  const reference = parseColumn(text);
  return { name: reference.key ?? reference.column, sql: columnSql(reference), alsoCalled: formatColumn(reference) };
}

/** Types that a series takes as labels; any other column could be a number, which would be one of its values. */
const LABEL_TYPES = /^(VARCHAR|MAP\b.*|.*\[\])$/;

/** A group of a time series, whose values name the series. */
function seriesGroup(table: string, text: string): Output {
  const output = columnOutput(text);
  const type = tableOf(table).columns.get(parseColumn(text).column) ?? '';
  return LABEL_TYPES.test(type) ? output : { ...output, sql: `CAST(${output.sql} AS VARCHAR)` };
}

function selectLine({ name, sql }: Output): string {
  return sql === identifier(name) ? sql : `${sql} AS ${identifier(name)}`;
}

function orderLine({ by, descending }: OrderBy, outputs: readonly Output[], aggregated: boolean): string {
  const output = outputs.find(({ name, alsoCalled }) => name === by || alsoCalled === by);
  if (output === undefined && aggregated) {
    throw new QueryError(`The query can not be ordered by ${shown(by)}: it is no column of the answer.`, {
      hint: `It has ${outputs.map(({ name }) => name).join(', ')}.`,
    });
  }
  const sql = output === undefined ? columnSql(parseColumn(by)) : identifier(output.name);
  return `${sql}${descending ? ' DESC' : ''} NULLS LAST`;
}

/** The table's own time for a bucket. @throws QueryError when it has none. */
function bucketColumn(table: string): string {
  const { time } = tableOf(table);
  if (time === null) {
    throw new QueryError(`${shown(table)} says what is so now: it has no time to draw over.`, {
      hint: 'Choose the type Table, or another table.',
    });
  }
  return identifier(time);
}

function bucketOutput({ table, timeBucket }: BuilderQuery, fill: string): Output {
  const width = timeBucket ?? 'auto';
  if (width !== 'auto' && intervalMs(width) === null) {
    throw new QueryError(`"${shown(width)}" is no time bucket: wanted is one as 30s, 5m, 1h, 1d or auto.`);
  }
  return { name: 'time', sql: `$__timeGroup(${bucketColumn(table)}, ${width}${fill})` };
}

/** An empty bucket of a count is a count of nothing; of anything else it is no value at all. */
function fillOf(aggregates: readonly Aggregate[]): string {
  const counts = aggregates.every((each) => each.function === 'count' || each.function === 'count_distinct');
  return counts ? ', 0' : '';
}

function aggregatedSql(builder: BuilderQuery, type: QueryType, mode: ValueMode): readonly string[] {
  const aggregates: readonly Aggregate[] =
    builder.aggregates.length === 0 ? [{ function: 'count' }] : builder.aggregates;
  const bucketed = type === 'timeseries' || builder.timeBucket !== null;
  const fill = type === 'timeseries' ? fillOf(aggregates) : '';
  const groups = [
    ...(bucketed ? [bucketOutput(builder, fill)] : []),
    ...builder.groupBy
      .filter((text) => text !== '')
      .map((text) => (type === 'timeseries' ? seriesGroup(builder.table, text) : columnOutput(text))),
  ];
  const values = aggregates.map((each): Output => ({ name: aggregateName(each), sql: aggregateSql(each) }));
  const outputs = unique([...groups, ...values]);
  const usual: readonly OrderBy[] = bucketed
    ? [{ by: 'time', descending: false }]
    : [{ by: outputs[groups.length]?.name ?? '', descending: true }];
  // A series is drawn in the order of time, whatever else was chosen.
  const chosen = type === 'timeseries' ? usual : builder.orderBy.filter(({ by }) => by !== '');
  const order = chosen.length === 0 ? usual : chosen;
  return [
    `SELECT ${outputs.map(selectLine).join(', ')}`,
    `FROM ${tableReference(builder.table)}`,
    ...whereLines(conditionsOf(builder, mode)),
    ...(groups.length === 0 ? [] : ['GROUP BY ALL']),
    `ORDER BY ${order.map((each) => orderLine(each, outputs, true)).join(', ')}`,
  ];
}

function rowsSql(builder: BuilderQuery, mode: ValueMode): readonly string[] {
  const { time, event, usual } = tableOf(builder.table);
  const chosen = builder.columns.filter((text) => text !== '');
  const columns = chosen.length === 0 ? usual : chosen;
  const outputs = unique(columns.map(columnOutput));
  const latest = [...(time === null ? [] : [time]), ...(event ? ['node', 'seq'] : [])].map((by) => ({
    by,
    descending: true,
  }));
  const given = builder.orderBy.filter(({ by }) => by !== '');
  const order = given.length === 0 ? latest : given;
  return [
    `SELECT ${outputs.length === 0 ? '*' : outputs.map(selectLine).join(', ')}`,
    `FROM ${tableReference(builder.table)}`,
    ...whereLines(conditionsOf(builder, mode)),
    ...(order.length === 0 ? [] : [`ORDER BY ${order.map((each) => orderLine(each, outputs, false)).join(', ')}`]),
  ];
}

/**
 * A table or time series of the builder as lines of SQL with macros, without its LIMIT.
 * @throws QueryError for what can't be asked.
 */
export function selectSql(builder: BuilderQuery, type: QueryType, mode: ValueMode): readonly string[] {
  const aggregated = type === 'timeseries' || builder.aggregates.length > 0 || builder.groupBy.length > 0;
  return aggregated || builder.timeBucket !== null ? aggregatedSql(builder, type, mode) : rowsSql(builder, mode);
}

/** The rows that a builder query asks for at most. */
export function builderLimit(builder: BuilderQuery, type: QueryType): number {
  return clampLimit(type, builder.limit);
}
