import type { DuckDBConnection } from '@duckdb/node-api';
import type { FederatedTable } from '../../backend/src/query/federate/index.js';
import type { Table } from '../../backend/src/lake/index.js';
import { tableName, tables } from '../../backend/src/lake/index.js';

/** Event tables and their views, as the planner sees them. */
export const federatedTables: readonly FederatedTable[] = tables
  .filter((table) => table.schema === 'kubearmor')
  .map((table) => ({ schema: table.schema, name: table.name, columns: table.columns.map((column) => column.name) }));

/** SQL that gives a column's value from the row number `i` and the node's number `n`; other columns are NULL. */
const values: Readonly<Record<string, string>> = {
  time: "TIMESTAMP '2026-03-01 10:00:00' + to_microseconds((i * 7919 + n * 104729) % 7200000000)",
  received_at: "TIMESTAMP '2026-03-01 10:00:00' + to_seconds(i)",
  node: "'edge-' || n",
  seq: 'i',
  connector: "'kubearmor'",
  cluster: "CASE WHEN n = 2 THEN 'west' ELSE 'east' END",
  tags: "CASE WHEN i % 7 = 0 THEN NULL WHEN i % 7 = 1 THEN [] ELSE ['MITRE_T' || (i % 5), 'NIST'] END",
  quality: "CASE WHEN i % 13 = 0 THEN ['time:arrival'] ELSE [] END",
  host: "'host-' || n || '-' || (i % 2)",
  namespace: "CASE WHEN i % 11 = 0 THEN NULL ELSE ['shop', 'bank', 'kube-system', 'dev'][(i % 4) + 1] END",
  pod: "'pod-' || ((i * 3 + n) % 17)",
  container: "'c' || (i % 3)",
  image: "'registry/img:' || (i % 6)",
  workload: "CASE WHEN i % 9 = 0 THEN NULL ELSE 'wl-' || (i % 5) END",
  labels:
    "CASE WHEN i % 5 = 0 THEN NULL ELSE MAP {'app': 'a' || (i % 3), 'tier': CASE WHEN i % 2 = 0 THEN 'web' ELSE 'db' END} END",
  host_pid: '(1000 + (i * 37) % 500)::INTEGER',
  host_ppid: '(1000 + (i * 37 + 13) % 500)::INTEGER',
  uid: 'CASE WHEN i % 10 = 0 THEN 4294967295 ELSE (i % 4) * 1000 END',
  process: "'/usr/bin/p' || ((i + n) % 23)",
  operation: "['Process', 'File', 'Network'][(i % 3) + 1]",
  source: "'it''s \"' || (i % 8) || '\" %_\\'",
  resource: "'/etc/r' || (i % 40)",
  result: "CASE WHEN i % 6 = 0 THEN 'Permission denied' ELSE 'Passed' END",
  outcome: "CASE WHEN i % 6 = 0 THEN 'blocked' WHEN i % 17 = 0 THEN 'failed' ELSE 'happened' END",
  remote_ip: "CASE WHEN i % 3 = 2 THEN '10.0.' || (i % 4) || '.' || (i % 9) END",
  remote_port: 'CASE WHEN i % 3 = 2 THEN ([80, 443, 8080][(i % 3) + 1])::INTEGER END',
  policy: "'ksp-' || (i % 4)",
  severity: 'CASE WHEN i % 5 = 0 THEN NULL ELSE (i % 10 + 1)::UTINYINT END',
  action: "CASE WHEN i % 6 = 0 THEN 'Block' ELSE 'Audit' END",
  message: "'m' || (i % 3)",
};

function expression(name: string, type: string): string {
  return `(${values[name] ?? 'NULL'})::${type} AS "${name}"`;
}

async function fill(connection: DuckDBConnection, table: Table, node: number, rows: number): Promise<void> {
  const columns = table.columns.map((column) => expression(column.name, column.type)).join(', ');
  await connection.run(
    `INSERT INTO ${tableName(table)} BY NAME SELECT ${columns} FROM (SELECT range AS i, ${node} AS n FROM range(${rows}))`,
  );
}

/** Adds the rows of these nodes to event tables that are there. */
export async function fillTables(connection: DuckDBConnection, nodes: readonly number[], rows = 300): Promise<void> {
  for (const table of tables.filter((each) => each.schema === 'kubearmor' && each.kind === 'event')) {
    const share = table.name === 'logs' ? 1 : table.name === 'alerts' ? 0.4 : 0;
    for (const node of nodes) await fill(connection, table, node, Math.floor((rows + node * 20) * share));
  }
}

/** Makes the event tables and views, and fills them with the rows of these nodes. */
export async function makeLake(connection: DuckDBConnection, nodes: readonly number[], rows = 300): Promise<void> {
  await connection.run('CREATE SCHEMA kubearmor');
  for (const table of tables.filter((each) => each.schema === 'kubearmor')) {
    if (table.kind === 'view') {
      await connection.run(`CREATE VIEW ${tableName(table)} AS ${table.sql ?? ''}`);
      continue;
    }
    const columns = table.columns.map((column) => `"${column.name}" ${column.type}`).join(', ');
    await connection.run(`CREATE TABLE ${tableName(table)} (${columns})`);
  }
  await fillTables(connection, nodes, rows);
}
