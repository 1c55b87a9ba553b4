import { z } from 'zod';
import { formatDuration } from '../config/index.js';
import { printable } from '../core/index.js';
import { renderTable } from './table.js';

/** A certificate with fewer days left is worth a word. */
const RENEW_DAYS = 7;

/** The network in a node's account of itself. */
export const networkStatus = z.looseObject({
  role: z.string(),
  listening: z.string().nullable(),
  links: z.array(
    z.looseObject({
      address: z.string(),
      hub: z.string().nullable(),
      state: z.string(),
      detail: z.string().nullable(),
    }),
  ),
  peers: z.array(z.looseObject({ hub: z.string(), detail: z.string().nullable() })).default([]),
  nodes: z.array(
    z.looseObject({
      name: z.string(),
      role: z.string(),
      state: z.string(),
      reason: z.string().nullable(),
      version: z.string(),
      cluster: z.string().nullable(),
      labels: z.record(z.string(), z.string()),
      lastContact: z.string().nullable(),
      clockOffsetMs: z.number().nullable(),
      rows: z.number(),
      via: z.string().nullable(),
    }),
  ),
  certificate: z.looseObject({ daysLeft: z.number() }).nullable(),
});

export type NetworkStatus = z.infer<typeof networkStatus>;

/** The network for people: its nodes, the hubs this one is joined to, and its certificate. */
export function networkText(network: NetworkStatus, nowMs: number): string {
  return [...heading(network), nodesText(network, nowMs), ...linksText(network)].join('');
}

function heading({ role, listening, nodes, certificate }: NetworkStatus): readonly string[] {
  const up = nodes.filter(({ state }) => state === 'alive').length;
  const where = listening === null ? 'nobody can join it' : `nodes join it at ${printable(listening)}`;
  return [
    `Network: ${up} of ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'} up; role ${printable(role)}, ${where}\n`,
    ...(certificate === null ? [] : [certificateText(certificate.daysLeft)]),
  ];
}

function certificateText(daysLeft: number): string {
  const renew = 'renew it with `armorlake cert renew`';
  if (daysLeft < 0) return `Its certificate has expired: ${renew}\n`;
  return `Its certificate is valid for ${daysLeft} more ${daysLeft === 1 ? 'day' : 'days'}${daysLeft < RENEW_DAYS ? `: ${renew}` : ''}\n`;
}

type NodeRow = NetworkStatus['nodes'][number];

/** A column of the table of nodes; one that is empty for all nodes is left out. */
interface NodeColumn {
  readonly name: string;
  readonly type?: string;
  readonly of: (node: NodeRow) => string | number;
}

function nodesText({ nodes }: NetworkStatus, nowMs: number): string {
  if (nodes.length === 0) return 'No node has joined yet: armorlake node --join HOST:PORT\n';
  const columns: readonly NodeColumn[] = [
    { name: 'node', of: ({ name }) => name },
    { name: 'role', of: ({ role }) => role },
    { name: 'state', of: ({ state }) => (state === 'alive' ? 'up' : state) },
    { name: 'version', of: ({ version }) => version },
    { name: 'cluster', of: ({ cluster }) => cluster ?? '' },
    { name: 'labels', of: ({ labels }) => pairs(labels) },
    { name: 'last contact', of: ({ lastContact }) => ago(lastContact, nowMs) },
    { name: 'clock', of: ({ clockOffsetMs }) => offset(clockOffsetMs) },
    { name: 'rows', type: 'BIGINT', of: ({ rows }) => rows },
    { name: 'via', of: ({ via }) => (via === 'self' ? 'itself' : (via ?? 'none')) },
    { name: 'reason', of: ({ reason }) => reason ?? '' },
  ];
  const shown = columns.filter(({ of }) => nodes.some((node) => of(node) !== ''));
  return renderTable(
    shown,
    nodes.map((node) => shown.map(({ of }) => of(node))),
  );
}

function linksText({ links, peers }: NetworkStatus): readonly string[] {
  const tables: string[] = [];
  if (links.length > 0) {
    const rows = links.map(({ address, hub, state, detail }) => [address, hub, state, detail]);
    tables.push(
      `\nJoined to\n${renderTable([{ name: 'address' }, { name: 'hub' }, { name: 'state' }, { name: 'detail' }], rows)}`,
    );
  }
  if (peers.length > 0) {
    const rows = peers.map(({ hub, detail }) => [hub, detail ?? 'ok']);
    tables.push(`\nAsks through\n${renderTable([{ name: 'hub' }, { name: 'state' }], rows)}`);
  }
  return tables;
}

function pairs(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ');
}

function ago(time: string | null, nowMs: number): string {
  return time === null ? 'never' : `${formatDuration(Math.max(0, nowMs - Date.parse(time)))} ago`;
}

function offset(ms: number | null): string {
  if (ms === null) return '';
  return `${ms < 0 ? '-' : '+'}${formatDuration(Math.round(Math.abs(ms)))}`;
}
