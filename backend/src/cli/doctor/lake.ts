import { formatDuration } from '../../config/index.js';
import { ArmorlakeError } from '../../core/index.js';
import type { Client } from '../client.js';
import type { Check } from './check.js';
import { fail, ok, warn } from './check.js';

const FILE_VISIBILITY =
  "KubeArmor's chart leaves File events out: annotate the namespace with kubearmor-visibility=process,file,network.";
const CLOCK_LIMIT_MS = 5000;
/** An alert in this many being the default posture's own noise is worth a word. */
const POSTURE_SHARE = 0.5;

/** What the events of a running node tell of KubeArmor's settings and the clocks. */
export async function lakeChecks(client: Client, signal: AbortSignal): Promise<readonly Check[]> {
  try {
    return [
      ...(await visibilityChecks(client, signal)),
      ...(await alertChecks(client, signal)),
      ...(await offsetChecks(client, signal)),
      await gapCheck(client, signal),
    ];
  } catch (thrown) {
    const error = ArmorlakeError.from(thrown);
    return [fail('lake', error.message, error.hint ?? 'See the log of the node.')];
  }
}

/** Rows that arrived within the last day. */
const RECENT = 'received_at >= now()::TIMESTAMP - INTERVAL 1 DAY';

async function visibilityChecks(client: Client, signal: AbortSignal): Promise<readonly Check[]> {
  const { rows } = await client.query(
    "SELECT connector, count(*), count(*) FILTER (operation = 'File'), count(*) FILTER (operation = 'Process'), " +
      "count(*) FILTER (operation = 'Network') " +
      `FROM kubearmor.logs WHERE ${RECENT} AND NOT starts_with(connector, 'import:') GROUP BY connector ORDER BY connector`,
    { signal },
  );
  return rows.flatMap((row) => {
    const [name, all = 0, files = 0, processes = 0, network = 0] = [String(row[0]), ...row.slice(1).map(Number)];
    const check = `visibility of ${name}`;
    if (all < 100) return [];
    if (files === 0) return [warn(check, `no File events among the ${all} logs of the last day`, FILE_VISIBILITY)];
    if (processes === 0 || network === 0) {
      const missing = processes === 0 ? 'Process' : 'Network';
      return [
        warn(
          check,
          `no ${missing} events among the ${all} logs of the last day`,
          'Set kubearmor-visibility=process,file,network.',
        ),
      ];
    }
    return [ok(check, 'Process, File and Network events arrive')];
  });
}

async function alertChecks(client: Client, signal: AbortSignal): Promise<readonly Check[]> {
  const { rows } = await client.query(
    "SELECT count(*), count(*) FILTER (policy = 'DefaultPosture'), count(*) FILTER (operation = 'AlertThreshold') " +
      `FROM kubearmor.alerts WHERE ${RECENT}`,
    { signal },
  );
  const [all = 0, posture = 0, throttled = 0] = (rows[0] ?? []).map(Number);
  const checks: Check[] = [];
  if (throttled > 0) {
    checks.push(
      warn(
        'throttling',
        `KubeArmor silenced containers ${throttled} times in the last day; alerts of those times are missing`,
        'Raise maxAlertPerSec in the KubeArmorConfig, or narrow the policies that fire most.',
      ),
    );
  }
  if (all >= 100 && posture / all > POSTURE_SHARE) {
    checks.push(
      warn(
        'default posture',
        `${Math.round((posture / all) * 100)} % of the last day's alerts are of DefaultPosture and can hide real ones`,
        'Set the default posture to audit less, or to block, per namespace.',
      ),
    );
  }
  return checks.length > 0 ? checks : [ok('alerts', `${all} in the last day, none throttled`)];
}

async function offsetChecks(client: Client, signal: AbortSignal): Promise<readonly Check[]> {
  const { rows } = await client.query(
    'SELECT host, median(epoch_ms(received_at) - epoch_ms(time)) FROM kubearmor.events ' +
      "WHERE received_at >= now()::TIMESTAMP - INTERVAL 10 MINUTE AND NOT starts_with(connector, 'import:') GROUP BY host ORDER BY host",
    { signal },
  );
  return rows.flatMap((row) => {
    const offset = Number(row[1]);
    if (Math.abs(offset) <= CLOCK_LIMIT_MS) return [];
    const how = offset > 0 ? 'behind' : 'ahead of';
    return [
      warn(
        `clock of ${String(row[0])}`,
        `its events are ${formatDuration(Math.abs(offset))} ${how} this node's clock (or arrive that late)`,
        'Check NTP on both; times are stored as the sender says them.',
      ),
    ];
  });
}

async function gapCheck(client: Client, signal: AbortSignal): Promise<Check> {
  const { rows } = await client.query(
    "SELECT count(*), string_agg(DISTINCT cause, ', ') FROM armorlake.gaps " +
      'WHERE coalesce(to_time, now()::TIMESTAMP) >= now()::TIMESTAMP - INTERVAL 1 DAY',
    { signal },
  );
  const count = Number(rows[0]?.[0] ?? 0);
  return count === 0
    ? ok('gaps', 'none in the last day')
    : warn(
        'gaps',
        `${count} in the last day (${String(rows[0]?.[1])})`,
        'See armorlake.gaps and docs/troubleshooting.md.',
      );
}
