import type { ArmorlakeModel, BuilderQuery, ProcessQuery, QueryType } from '../../shared/index.js';
import { defaultQuery } from '../../shared/index.js';
import type { Stage } from './network.js';

/** A builder query: the type's default one with something else in it. */
export function built(
  type: QueryType,
  builder: Partial<BuilderQuery>,
  rest: Partial<ArmorlakeModel> = {},
): ArmorlakeModel {
  const model = defaultQuery(type);
  return { ...model, builder: { ...model.builder, ...builder }, ...rest };
}

export function written(type: QueryType, sql: string, rest: Partial<ArmorlakeModel> = {}): ArmorlakeModel {
  return { ...defaultQuery(type), editor: 'sql', sql, ...rest };
}

export function around(
  type: 'tree' | 'graph',
  event: { readonly node: string; readonly seq: string },
  rest: Partial<ProcessQuery> = {},
): ArmorlakeModel {
  const model = defaultQuery(type);
  return { ...model, process: { ...model.process, target: { by: 'event', ...event }, ...rest } };
}

/** Rows of an SQL query that a node itself answers: what the tests compare with. */
export async function rowsOf({ url }: Pick<Stage, 'url'>, sql: string): Promise<readonly (readonly unknown[])[]> {
  const response = await fetch(`${url}/api/v1/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql }),
    signal: AbortSignal.timeout(30_000),
  });
  if (!response.ok) throw new Error(await response.text());
  return ((await response.json()) as { readonly rows: readonly (readonly unknown[])[] }).rows;
}

/** A step of an attack that is some minutes old: the reverse shell, with what came before and after it. */
export async function attackEvent(stage: Stage): Promise<{ readonly node: string; readonly seq: string }> {
  const [row] = await rowsOf(
    stage,
    `SELECT node, seq FROM kubearmor.events
     WHERE operation = 'Process' AND process = '/bin/bash' AND resource LIKE '%/dev/tcp/%'
       AND time BETWEEN now()::TIMESTAMP - INTERVAL 12 MINUTE AND now()::TIMESTAMP - INTERVAL 2 MINUTE
     ORDER BY time DESC LIMIT 1`,
  );
  if (row === undefined) throw new Error('The history holds no attack.');
  return { node: String(row[0]), seq: String(row[1]) };
}
