import type { ArmorlakeModel, GraphKind, QueryType, Scope, TreeView } from '../../../plugin/shared/index.js';
import { defaultQuery } from '../../../plugin/shared/index.js';

export interface SqlSpec {
  readonly type?: QueryType;
  /** Rows; left out: as many as the type has normally. */
  readonly limit?: number;
  /** Another meaning of missing nodes than the data source's. */
  readonly partial?: ArmorlakeModel['partial'];
  /** Other nodes than those chosen above the dashboard. */
  readonly scope?: Scope;
  /** Each node answers all of it from its own events; their rows are put together, in no order. */
  readonly perNode?: boolean;
}

/** The nodes chosen above the dashboard: every query asks these and no others. */
const chosen = { clusters: ['$cluster'], nodes: ['$node'], labels: {} };

/** A query in SQL; indentation that stands before every line is taken away. */
export function sql(
  text: string,
  { type = 'table', limit, partial = null, scope = chosen, perNode = false }: SqlSpec = {},
): ArmorlakeModel {
  const query = defaultQuery(type);
  return { ...query, scope, perNode, editor: 'sql', sql: dedent(text), sqlLimit: limit ?? query.sqlLimit, partial };
}

/** An event by its node and number, each a text that may hold variables. */
export interface EventReference {
  readonly node: string;
  readonly seq: string;
}

/** The process tree around an event. */
export function aroundEvent(view: TreeView, event: EventReference): ArmorlakeModel {
  return around('tree', event, { view });
}

/** The graph of processes around that event. */
export function graphAroundEvent(graph: GraphKind, event: EventReference): ArmorlakeModel {
  return around('graph', event, { graph });
}

/** Pod → process → resource of what the dashboard's variables leave over. */
export function behaviourGraph(table: string, columns: readonly string[]): ArmorlakeModel {
  const query = defaultQuery('graph', table);
  // More can't be read without zooming.
  return { ...built(query, columns), process: { ...query.process, graph: 'behaviour', nodeLimit: 40 } };
}

/** The latest lines of what the dashboard's variables leave over. */
export function latestLines(table: string, columns: readonly string[], limit: number): ArmorlakeModel {
  const query = built(defaultQuery('logs', table), columns);
  return { ...query, builder: { ...query.builder, limit } };
}

/** A query of the builder, of the values that variables named as the columns have. */
function built(query: ArmorlakeModel, columns: readonly string[]): ArmorlakeModel {
  const filters = columns.map((column) => ({ column, operator: 'is', values: [`$${column}`] }) as const);
  return { ...query, scope: chosen, builder: { ...query.builder, filters } };
}

function around(type: QueryType, event: EventReference, process: Partial<ArmorlakeModel['process']>): ArmorlakeModel {
  const query = defaultQuery(type);
  const target = { by: 'event', ...event } as const;
  return { ...query, process: { ...query.process, target, ...process } };
}

/** Takes away the indentation that stands before every line. */
export function dedent(text: string): string {
  const lines = text.replace(/^\n/, '').trimEnd().split('\n');
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length);
  const least = Math.min(...indents);
  return lines.map((line) => line.slice(least)).join('\n');
}
