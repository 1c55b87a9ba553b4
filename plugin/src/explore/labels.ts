import { AbstractLabelOperator } from '@grafana/data';
import type { AbstractLabelMatcher, AbstractQuery } from '@grafana/data';
import { defaultQuery, tableOf } from '../../shared/index.js';
import type { Filter } from '../../shared/index.js';
import type { ArmorlakeQuery } from '../types.js';

/** What other data sources call our columns; `node` is a Kubernetes node there, a `host` here. */
const columnsByLabel: ReadonlyMap<string, string> = new Map([
  ['node', 'host'],
  ['node_name', 'host'],
  ['nodename', 'host'],
  ['hostname', 'host'],
  ['k8s_node_name', 'host'],
  ['namespace_name', 'namespace'],
  ['k8s_namespace_name', 'namespace'],
  ['pod_name', 'pod'],
  ['k8s_pod_name', 'pod'],
  ['container_name', 'container'],
  ['k8s_container_name', 'container'],
  ['k8s_cluster_name', 'cluster'],
  ['deployment', 'workload'],
  ['k8s_deployment_name', 'workload'],
]);

/** Labels of pods that are common in label queries; others (job, instance, …) belong to their data source. */
const podLabel = /^(app|component|tier|app_kubernetes_io_\w+)$/u;

/** Queries of label-based data sources (Loki, Prometheus) as logs queries; labels that mean nothing here are left out. */
export function importQueries(queries: readonly AbstractQuery[], table?: string): ArmorlakeQuery[] {
  return queries.map(({ refId, labelMatchers }) => {
    const model = defaultQuery('logs', table);
    const filters = labelMatchers.flatMap((matcher) => filterOf(matcher, model.builder.table));
    return { ...model, refId, builder: { ...model.builder, filters } };
  });
}

/** The filters of the builder as matchers, as far as other data sources know them. */
export function exportQueries(queries: readonly ArmorlakeQuery[]): AbstractQuery[] {
  return queries.map(({ refId, editor, builder }) => ({
    refId,
    labelMatchers: editor === 'sql' ? [] : (builder?.filters ?? []).flatMap(matcherOf),
  }));
}

function filterOf({ name, value, operator }: AbstractLabelMatcher, table: string): readonly Filter[] {
  const place = placeOf(name, table);
  if (place === null) return [];
  const negated = operator === AbstractLabelOperator.NotEqual || operator === AbstractLabelOperator.NotEqualRegEx;
  if (operator === AbstractLabelOperator.Equal || operator === AbstractLabelOperator.NotEqual) {
    // An empty value means there: the label is not there.
    if (value === '') return [{ ...place, operator: negated ? 'is set' : 'is not set', values: [] }];
    return [{ ...place, operator: negated ? 'is not' : 'is', values: [value] }];
  }
  const choices = alternatives(value);
  if (choices !== null) return [{ ...place, operator: negated ? 'is not' : 'is', values: choices }];
  // Their regular expressions match all of a value, ours any part of it.
  return [{ ...place, operator: negated ? 'does not match' : 'matches', values: [`^(?:${value})$`] }];
}

function placeOf(label: string, table: string): Pick<Filter, 'column' | 'key'> | null {
  const column = columnsByLabel.get(label) ?? label;
  if (column !== 'node' && tableOf(table).columns.get(column) === 'VARCHAR') return { column };
  if (!podLabel.test(label)) return null;
  // Their label names hold no dots and slashes: app_kubernetes_io_name is app.kubernetes.io/name.
  return { column: 'labels', key: label.replace(/^app_kubernetes_io_/u, 'app.kubernetes.io/') };
}

/** `a|b` without any other meaning of regular expressions. */
function alternatives(expression: string): readonly string[] | null {
  const unescaped = expression.replace(/\\([.|\-/])/gu, (_, character: string) =>
    character === '|' ? '\0' : character,
  );
  if (/[\\^$*+?()[\]{}]/u.test(unescaped) || /(^|[^\\])\./u.test(expression)) return null;
  const choices = unescaped.split('|').map((choice) => choice.replaceAll('\0', '|'));
  return choices.includes('') ? null : choices;
}

function matcherOf({ column, key, operator, values }: Filter): readonly AbstractLabelMatcher[] {
  const name = labelOf(column, key);
  const [first, ...more] = values;
  if (name === null || first === undefined || values.includes('')) return [];
  const { Equal, NotEqual, EqualRegEx, NotEqualRegEx } = AbstractLabelOperator;
  if (operator === 'is' || operator === 'is not') {
    const negated = operator === 'is not';
    if (more.length === 0) return [{ name, value: first, operator: negated ? NotEqual : Equal }];
    return [{ name, value: anyOf(values), operator: negated ? NotEqualRegEx : EqualRegEx }];
  }
  if (operator !== 'matches' && operator !== 'does not match') return [];
  const anywhere = `.*(?:${values.join('|')}).*`;
  return [{ name, value: anywhere, operator: operator === 'matches' ? EqualRegEx : NotEqualRegEx }];
}

function labelOf(column: string, key: string | undefined): string | null {
  if (column === 'labels') return key === undefined ? null : key.replace(/[^A-Za-z0-9_]/gu, '_');
  if (column === 'host') return 'node';
  return ['cluster', 'namespace', 'pod', 'container', 'workload'].includes(column) ? column : null;
}

function anyOf(values: readonly string[]): string {
  return values.map((value) => value.replace(/[\\^$.*+?()[\]{}|]/gu, '\\$&')).join('|');
}
