/**
 * Columns that say who, where and which rule: what dashboards are filtered by (ad hoc filters, a click on a cell). Each
 * is a text of few values; amounts, times and free texts are not among them.
 */
export const filterableColumns: readonly string[] = [
  ...['cluster', 'node', 'host', 'namespace', 'workload', 'workload_kind', 'pod', 'container', 'image', 'connector'],
  ...['policy', 'operation', 'type', 'outcome', 'action', 'enforcer', 'process', 'user_name', 'domain', 'remote_ip'],
];
