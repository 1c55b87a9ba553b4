import { z } from 'zod';
import type { NodeInfo } from '../../shared/resources.js';
import { notArmorlake } from './answers.js';
import { checkVersion } from './version.js';

const member = z.looseObject({
  name: z.string(),
  role: z.string(),
  state: z.string(),
  reason: z.string().nullish(),
  version: z.string(),
  cluster: z.string(),
  labels: z.record(z.string(), z.string()),
  lastContact: z.string().nullable(),
  clockOffsetMs: z.number().nullable(),
  rows: z.number(),
});

/** All that is read of a node of any version. */
const versioned = z.looseObject({ node: z.string(), version: z.string() });

const status = versioned.extend({
  ready: z.boolean(),
  lake: z.looseObject({ rows: z.record(z.string(), z.number()) }).nullish(),
  network: z.looseObject({ role: z.string(), store: z.boolean(), nodes: z.array(member) }).nullish(),
  warnings: z.array(z.string()).default([]),
});

/** GET /api/v1/status, as far as it is read here. */
export interface NodeStatus {
  readonly node: string;
  readonly version: string;
  readonly ready: boolean;
  /** All that are expected to answer; the node alone when it is in no network. */
  readonly nodes: readonly NodeInfo[];
  readonly warnings: readonly string[];
}

/** Whether it is a node that can be asked. @throws PluginError NOT_ARMORLAKE, VERSION when it is too old. */
export function checkNode(url: string, value: unknown): void {
  const parsed = versioned.safeParse(value);
  const { host } = new URL(url);
  if (!parsed.success) throw notArmorlake(host, 'answers JSON of its own');
  checkVersion(host, parsed.data.version);
}

/** @throws PluginError NOT_ARMORLAKE when it is something else's status, VERSION when the node is too old. */
export function parseStatus(url: string, value: unknown): NodeStatus {
  // First of all: an older node may say less.
  checkNode(url, value);
  const parsed = status.safeParse(value);
  if (!parsed.success) throw notArmorlake(new URL(url).host, 'answers JSON of its own');
  const { node, version, ready, lake, network, warnings } = parsed.data;
  const rows = Object.values(lake?.rows ?? {}).reduce((sum, each) => sum + each, 0);
  const alone: NodeInfo = {
    name: node,
    role: 'edge',
    state: ready ? 'alive' : 'not ready',
    reason: null,
    version,
    cluster: '',
    labels: {},
    lastContact: null,
    clockOffsetMs: null,
    rows,
  };
  const nodes = network?.nodes.map((each) => ({
    name: each.name,
    role: each.role,
    state: each.state,
    reason: each.reason ?? null,
    version: each.version,
    cluster: each.cluster,
    labels: each.labels,
    lastContact: each.lastContact,
    clockOffsetMs: each.clockOffsetMs,
    rows: each.rows,
  }));
  return { node, version, ready, nodes: nodes ?? [alone], warnings };
}
