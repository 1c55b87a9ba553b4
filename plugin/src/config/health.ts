import { healthSteps } from '../../shared/index.js';
import type { HealthDetails, HealthStep, HealthUrl, NodeInfo } from '../../shared/index.js';

/** The details of a health check's answer, whether it passed or failed; null: it has none (the plugin itself did not answer). */
export function healthDetails(answer: unknown): HealthDetails | null {
  const details = property(answer, 'details');
  const urls = property(details, 'urls');
  const nodes = property(details, 'nodes');
  if (!Array.isArray(urls)) return null;
  const message = property(details, 'message');
  return {
    ...(typeof message === 'string' ? { message } : {}),
    urls: urls.flatMap(urlOf),
    nodes: Array.isArray(nodes) ? nodes.flatMap(nodeOf) : [],
  };
}

/** Nodes in trouble first, then by name. */
export function troubledFirst(nodes: readonly NodeInfo[]): readonly NodeInfo[] {
  const order = (node: NodeInfo): number => (node.state === 'alive' ? 1 : 0);
  return [...nodes].sort((a, b) => order(a) - order(b) || a.name.localeCompare(b.name));
}

function urlOf(value: unknown): readonly HealthUrl[] {
  const url = property(value, 'url');
  if (typeof url !== 'string') return [];
  const failed = property(value, 'failed');
  return [
    {
      url,
      failed: healthSteps.find((step): step is HealthStep => step === failed) ?? null,
      message: text(value, 'message') ?? '',
      node: text(value, 'node'),
      version: text(value, 'version'),
      ms: number(value, 'ms'),
    },
  ];
}

function nodeOf(value: unknown): readonly NodeInfo[] {
  const name = text(value, 'name');
  if (name === null) return [];
  const labels = property(value, 'labels');
  const rows = number(value, 'rows');
  return [
    {
      name,
      role: text(value, 'role') ?? '',
      state: text(value, 'state') ?? '',
      version: text(value, 'version') ?? '',
      cluster: text(value, 'cluster') ?? '',
      labels: typeof labels === 'object' && labels !== null ? textsOf(labels) : {},
      lastContact: text(value, 'lastContact'),
      clockOffsetMs: number(value, 'clockOffsetMs'),
      reason: text(value, 'reason'),
      ...(rows === null ? {} : { rows }),
    },
  ];
}

function textsOf(value: object): Record<string, string> {
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function text(value: unknown, name: string): string | null {
  const found = property(value, name);
  return typeof found === 'string' ? found : null;
}

function number(value: unknown, name: string): number | null {
  const found = property(value, name);
  return typeof found === 'number' ? found : null;
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
