import type { DataLink } from './fields.js';
import { keep, timeRange, uids } from './uids.js';
import type { Variable } from './variables.js';

/** Variables that mean the same wherever they are; every dashboard has them, shown or carried. */
const shared = ['datasource', 'cluster', 'node', 'namespace', 'workload', 'policy', 'severity', 'filters'] as const;

function kept(names: readonly string[]): string {
  return [timeRange, ...names.map((name) => `\${${name}:queryparam}`)].join('&');
}

/**
 * Time range and shared variables, from and to any dashboard, but for some of them.
 * @param left names that don't go along
 */
export function handedOn(...left: readonly (typeof shared)[number][]): string {
  return kept(shared.filter((name) => !left.includes(name)));
}

/**
 * Time range and shared variables of a dashboard, for a link that says others itself: of a variable that a URL names twice,
 * All wins.
 * @param variables the dashboard's
 * @param replaced names that the link says itself
 */
export function keepBut(variables: readonly Variable[], ...replaced: readonly string[]): string {
  const own = new Set(variables.map(({ name }) => name));
  return kept(shared.filter((name) => own.has(name) && !replaced.includes(name)));
}

/** A dashboard with this time and all these variables. */
export function onward(title: string, uid: string): DataLink {
  return { title, url: `/d/${uid}?${keep}` };
}

/** From a bar of a time series to exactly its bucket on another dashboard, variables kept. */
export function bucketLink(title: string, uid: string): DataLink {
  return { title, url: `/d/${uid}?from=\${__value.time}&to=\${__data.fields.until.numeric}&\${__all_variables}` };
}

/** The event that fields of the row say. */
export function toProcess(title = 'The process and what it did', seq = 'seq'): DataLink {
  const event = `var-event_node=\${__data.fields.node:percentencode}&var-seq=\${__data.fields["${seq}"].numeric}`;
  return { title, url: `/d/${uids.process}?${event}&${handedOn()}` };
}

/** Whether this was seen anywhere, on any node of any cluster: the value clicked, or another field of its row. */
export function toHunt(value = '__value.raw'): DataLink {
  return {
    title: 'Look for it on all nodes',
    url: `/d/${uids.hunt}?var-indicators=\${${value}:percentencode}&${handedOn('cluster', 'node')}`,
  };
}

/** SQL of the columns that `toWorkload` needs: the row's workload, or All where it has none, as on a host. */
export function workloadColumns(namespace: string, workload: string): string {
  const orAll = (column: string): string => `coalesce(${column}, chr(36) || '__all')`;
  return `${orAll(namespace)} AS "of namespace", ${orAll(workload)} AS "of workload"`;
}

/** The row's workload and no other. Filters stay behind where they are only carried: the row may not fulfil them. */
export function toWorkload(variables: readonly Variable[]): DataLink {
  const own = ['namespace', 'workload'].map((name) => `var-${name}=\${__data.fields["of ${name}"]:percentencode}`);
  const effective = variables.filter(({ name, hide }) => name !== 'filters' || hide === 0);
  return {
    title: 'What this workload does',
    url: `/d/${uids.workload}?${own.join('&')}&${keepBut(effective, 'namespace', 'workload')}`,
  };
}
