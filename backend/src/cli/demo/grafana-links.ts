import type { Client } from '../client.js';

/** Where to look, in the order of docs/tour.md: what it shows, and its path in Grafana. */
export interface Place {
  readonly name: string;
  readonly path: string;
}

/** An act of the story's last part: what hides itself in shared memory is a miner. */
const TELLING = `SELECT node, seq FROM kubearmor.alerts WHERE process LIKE '/dev/shm/%' AND node = 'edge-2' ORDER BY time, seq LIMIT 1`;
/** The story's first act: a web server that starts a shell. */
const BEGINNING = `SELECT epoch_ms(min(time)) FROM kubearmor.alerts WHERE policy = 'ksp-web-server-spawns-shell'`;
/** So much of the normal day is shown before it. */
const BEFORE_MS = 20 * 60_000;
const INDICATORS = ['/dev/shm/kworker', '/tmp/.x/xmrig', 'pool.minexmr.example.com', '203.0.113.250'];

/** The dashboards and the alert rules; those that ask for something are given something of the story. */
export async function placesToLook(client: Client, signal: AbortSignal): Promise<readonly Place[]> {
  const { rows } = await client.query(TELLING, { signal });
  const [node, seq] = rows[0] ?? [];
  const event = rows.length === 0 ? '' : `?var-event_node=${String(node)}&var-seq=${String(seq)}`;
  const { rows: beginnings } = await client.query(BEGINNING, { signal });
  const beganMs = beginnings[0]?.[0];
  // Dashboards open on the last hour, which the first act leaves soon after the start.
  const story = typeof beganMs === 'number' ? `?from=${beganMs - BEFORE_MS}&to=now` : '';
  const hunted = `?var-indicators=${encodeURIComponent(INDICATORS.join(' '))}`;
  return [
    { name: 'Fleet overview', path: `/d/armorlake-fleet-overview${story}` },
    { name: 'Alert triage', path: `/d/armorlake-alert-triage${story}` },
    { name: 'Workload behaviour', path: '/d/armorlake-workload-behaviour' },
    { name: 'Process forensics', path: `/d/armorlake-process-forensics${event}` },
    { name: 'Policy effectiveness', path: '/d/armorlake-policy-effectiveness' },
    { name: 'Indicator hunt', path: `/d/armorlake-indicator-hunt${hunted}` },
    { name: 'Sessions and egress', path: '/d/armorlake-sessions-egress' },
    { name: 'Health', path: '/d/armorlake-health' },
    { name: 'Alert rules', path: '/alerting/list' },
  ];
}
