import type { Filter, Scope } from '../../../plugin/shared/index.js';
import { SCHEMA_VERSION, emptyScope } from '../../../plugin/shared/index.js';
import { source } from './panels.js';

/** A dashboard variable as its JSON has it. */
export type Variable = Readonly<Record<string, unknown>> & { readonly name: string };

export const datasource: Variable = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: source.type,
  current: {},
  // Where there are several, links and URLs say which.
  hide: 2,
  includeAll: false,
  multi: false,
  refresh: 1,
  regex: '',
};

const all = { selected: true, text: ['All'], value: ['$__all'] };

/** Values that occur in the dashboard's time range; All asks for no value at all. */
function looked(name: string, label: string, query: Readonly<Record<string, unknown>>): Variable {
  const asked = {
    refId: 'variable',
    schemaVersion: SCHEMA_VERSION,
    scope: emptyScope,
    filters: [],
    key: '',
    sql: '',
    limit: 1000,
    ...query,
  };
  return {
    name,
    label,
    type: 'query',
    datasource: source,
    query: { table: '', column: '', ...asked },
    current: all,
    hide: 0,
    includeAll: true,
    multi: true,
    refresh: 2,
    regex: '',
    sort: 1,
    allowCustomValue: true,
  };
}

/** Only what the chosen nodes have. */
const scope = { clusters: ['$cluster'], nodes: ['$node'], labels: {} };
const inCluster = { clusters: ['$cluster'], nodes: [], labels: {} };

/** Only what occurs together with what these variables, named as the columns, are set to. */
function within(...columns: readonly string[]): { readonly scope: Scope; readonly filters: readonly Filter[] } {
  return { scope, filters: columns.map((column) => ({ column, operator: 'is', values: [`$${column}`] })) };
}

export const cluster = looked('cluster', 'Cluster', { kind: 'clusters' });
export const node = looked('node', 'Node', { kind: 'nodes', scope: inCluster });
/** The nodes of the chosen clusters, which armorlake.nodes itself doesn't tell: `chosenNodes` needs it. */
export const members: Variable = {
  ...looked('members', 'Nodes of the clusters', { kind: 'nodes', scope: inCluster }),
  hide: 2,
  skipUrlSync: true,
  allowCustomValue: false,
};
export const namespace = looked('namespace', 'Namespace', { kind: 'namespaces', ...within() });
export const workload = looked('workload', 'Workload', {
  kind: 'values',
  table: 'kubearmor.events',
  column: 'workload',
  ...within('namespace'),
});
export const pod = looked('pod', 'Pod', { kind: 'pods', ...within('namespace', 'workload') });
export const policy = looked('policy', 'Policy', { kind: 'policies', ...within('namespace', 'workload') });

/** One of a few fixed choices, the first at the beginning. */
export function choice(
  name: string,
  label: string,
  options: readonly (readonly [value: string, text: string])[],
): Variable {
  const shown = options.map(([value, text], index) => ({ selected: index === 0, text, value }));
  return {
    name,
    label,
    type: 'custom',
    query: options.map(([value, text]) => `${text} : ${value}`).join(', '),
    options: shown,
    current: shown[0],
    hide: 0,
    includeAll: false,
    multi: false,
  };
}

export const severity = choice('severity', 'Severity from', [
  ['0', 'any'],
  ['3', '3'],
  ['5', '5'],
  ['7', '7'],
  ['9', '9'],
]);

export const posture = choice('posture', 'Default posture', [
  ['hide', 'hide'],
  ['show', 'show'],
  ['only', 'only'],
]);

/** What follows from the others by SQL (columns `value` and `text`): its first row, and nothing that anybody sees. */
export function derived(name: string, sql: string): Variable {
  return {
    ...looked(name, name, { kind: 'sql', sql, limit: 1 }),
    current: {},
    hide: 2,
    includeAll: false,
    multi: false,
    skipUrlSync: true,
    sort: 0,
    allowCustomValue: false,
  };
}

/** Free text. */
export function input(name: string, label: string, initial = ''): Variable {
  return {
    name,
    label,
    type: 'textbox',
    query: initial,
    current: { text: initial, value: initial },
    options: [],
    hide: 0,
  };
}

/** Conditions on any column, made by a click. */
export const adHoc: Variable = {
  name: 'filters',
  label: 'Filters',
  type: 'adhoc',
  datasource: source,
  filters: [],
  baseFilters: [],
  hide: 0,
};

/**
 * A variable of other dashboards, that this one only hands on in its links: nobody sees it, and it asks nothing. Without
 * options of its own Grafana keeps every value that a URL says; of filters these are `column|operator|value`.
 */
export function carried(variable: Variable): Variable {
  const { name, label, multi = true, includeAll = false, current = {}, options = [], query } = variable;
  const fixed = variable.type === 'custom' ? query : '';
  return {
    name,
    label,
    type: 'custom',
    query: fixed,
    options,
    current,
    multi,
    includeAll,
    hide: 2,
    allowCustomValue: true,
  };
}

/** What Fleet carries is what only the triage narrows by; dashboards of whole nodes, or of one event, carry all of it. */
export const carriedAlerts = [policy, severity].map(carried);
export const carriedEvents = [...[namespace, workload].map(carried), ...carriedAlerts, carried(adHoc)];
