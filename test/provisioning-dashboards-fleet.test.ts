import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fieldConfig } from '../plugin/backend/frames/field-config.js';
import { compileQuery } from '../plugin/shared/index.js';
import { severitySeries } from '../provisioning/src/build/common.js';
import { operationSeries } from '../provisioning/src/build/fields.js';
import { gapStretches, missingMinutes } from '../provisioning/src/build/predicates.js';
import {
  operationColours,
  outcomeColours,
  severitySteps,
  unsetSeverityColour,
} from '../provisioning/src/build/style.js';
import { Workplace } from './cli-support.js';
import { asked, askersOf, boards, panelsOf } from './support/dashboards.js';
import { ask } from './support/federation-nodes.js';
import type { Row } from './support/node-process.js';
import { TestNode } from './support/node-process.js';
import type { KubeArmorEvent } from './support/process-events.js';
import { EventMaker, audited, blocked } from './support/process-events.js';

const HOUR_MS = 3_600_000;
const toMs = Date.UTC(2026, 0, 1, 11);

describe('the fleet, its policies and its health', () => {
  const place = new Workplace();
  const host = new EventMaker({ HostName: 'h1' });
  const shop = { Owner: { Ref: 'Deployment', Name: 'web', Namespace: 'shop' } };
  const bank = { NamespaceName: 'bank', Owner: { Ref: 'Deployment', Name: 'vault', Namespace: 'bank' } };
  let node: TestNode;

  /** KubeArmor says that it is silent about a container for half a minute. */
  function throttled(seconds: number, container: string, own: KubeArmorEvent): KubeArmorEvent {
    const mark = { Type: 'SystemEvent', Operation: 'AlertThreshold', MaxAlertsPerSec: 10, DroppingAlertsInterval: 30 };
    return host.file(seconds, 1, '', { ...mark, ...own, ContainerID: container });
  }

  beforeAll(async () => {
    const keep = ['--set', 'retention.logs.age=100y', '--set', 'retention.alerts.age=100y'];
    node = await TestNode.start(place, { data: 'edge', args: keep });
    const posture = { PolicyName: 'DefaultPosture' };
    const events = [
      host.exec(60, 100, 1, '/tmp/miner', { ...shop, ...blocked }),
      host.exec(61, 101, 1, '/usr/bin/id', { ...shop, ...blocked, ...posture }),
      host.exec(62, 102, 1, '/usr/bin/ps', { ...shop, ...audited, ...posture }),
      host.exec(63, 103, 1, '/usr/bin/env', { ...shop, ...audited }),
      host.exec(64, 103, 1, '/usr/bin/gdb', { ...shop, Resource: '/usr/bin/victim', Data: 'syscall=SYS_PTRACE' }),
      host.exec(-7000, 90, 1, '/usr/bin/env', shop),
      // Three containers at once, and one elsewhere.
      host.exec(99.5, 104, 1, '/tmp/miner', { ...shop, ...blocked }),
      throttled(100, 'c1', shop),
      throttled(110, 'c2', shop),
      throttled(110.5, 'c3', shop),
      host.exec(599.5, 105, 1, '/bin/ls', { ...bank, ...audited, ContainerID: 'c9' }),
      throttled(600, 'c9', bank),
    ];
    const { status } = await node.post(events.map((event) => JSON.stringify(event)).join('\n'));
    expect(status).toBe(200);
  }, 300_000);
  afterAll(() => place.close());

  /** What a panel's first query answers about that hour: its rows as objects. */
  async function rowsOf(uid: string, title: string, namespace?: string): Promise<readonly Row[]> {
    const board = boards.find((each) => each.uid === uid);
    const [target] = board === undefined ? [] : (askersOf(board).find((each) => each.title === title)?.targets ?? []);
    if (board === undefined || target === undefined) throw new Error(`${uid} asks no “${title}”.`);
    const picked = new Map(namespace === undefined ? [] : [['namespace', [namespace]]]);
    const context = { fromMs: toMs - HOUR_MS, toMs, intervalMs: 10_000, maxDataPoints: 400 };
    const { sql, nodes, perNode } = compileQuery(asked(board, target, new Map(), picked), context);
    const { status, error, schema, rows } = await ask(node, { sql, nodes, perNode });
    if (status !== 200) throw new Error(`${title}: ${JSON.stringify(error)}`);
    return rows.map((row) => Object.fromEntries(schema.map(({ name }, index) => [name, row[index]])));
  }

  const [fleet, health, policies] = ['armorlake-fleet-overview', 'armorlake-health', 'armorlake-policy-effectiveness'];

  it('count as blocked and happened what policies did, and not the default posture', async () => {
    expect(await rowsOf(fleet, 'Blocked')).toEqual([{ alerts: 2 }]);
    expect(await rowsOf(fleet, 'Happened')).toEqual([{ alerts: 2 }]);
    expect(await rowsOf(fleet, 'Needs attention')).toMatchObject([{ blocked: 2, happened: 2 }]);
  });

  it('call nothing a new binary that only traced another, which KubeArmor tells as a Process event', async () => {
    // `ls` and `ps` ran; `env` did before, what was blocked never did.
    expect(await rowsOf(fleet, 'New binaries')).toEqual([{ binaries: 2 }]);
  });

  it('count the minutes of overlapping gaps once, and all alike', async () => {
    const minutes = expect.closeTo((40.5 + 30) / 60, 6);
    expect(await rowsOf(fleet, 'Needs attention')).toMatchObject([{ 'gap minutes': minutes }]);
    expect(await rowsOf(health, 'In gaps')).toEqual([{ minutes }]);
    expect(await rowsOf(health, 'Gaps')).toMatchObject([{ cause: 'throttle', times: 4, minutes }]);
  });

  it('tell of the throttling of the chosen place alone, and who caused it', async () => {
    const causes = async (namespace?: string): Promise<unknown> =>
      Object.fromEntries(
        (await rowsOf(policies, 'Policies', namespace)).map(({ policy, throttling }) => [policy, throttling]),
      );
    expect(await rowsOf(policies, 'Throttlings')).toMatchObject([{ throttlings: 4 }]);
    expect(await causes()).toEqual({ 'no-miners': 50, watch: 50 });
    expect(await rowsOf(policies, 'Throttlings', 'shop')).toMatchObject([{ throttlings: 3 }]);
    expect(await causes('shop')).toEqual({ 'no-miners': 100, watch: null });
    expect(await causes('bank')).toEqual({ watch: 100 });
    expect(await rowsOf(policies, 'Throttlings', 'elsewhere')).toMatchObject([{ throttlings: 0 }]);
  });
});

describe('stretches of gaps', () => {
  /** Answers about gaps of the hour before 11:00; each is its node, stream, begin and end ("hh:mm:ss"). */
  async function answered(sql: string, gaps: readonly (readonly [string, string, string, string | null])[]) {
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    try {
      const moment = (time: string | null): string => (time === null ? 'NULL' : `'2026-01-01 ${time}'`);
      const values = gaps.map(
        ([node, stream, from, to]) =>
          `('${node}', '${stream}', ${moment(from)}::TIMESTAMP, ${moment(to)}::TIMESTAMP, 1)`,
      );
      await connection.run(`CREATE SCHEMA armorlake; CREATE TABLE armorlake.gaps AS
        FROM (VALUES ${values.join(', ')}) AS gaps(node, stream, from_time, to_time, estimated)`);
      const bounded = sql
        .replaceAll('$__timeFrom', "TIMESTAMP '2026-01-01 10:00:00'")
        .replaceAll('$__timeTo', "TIMESTAMP '2026-01-01 11:00:00'");
      return (await connection.runAndReadAll(bounded)).getRowsJson();
    } finally {
      connection.closeSync();
      instance.closeSync();
    }
  }

  const gaps = [
    // Both streams of one break, from before the hour on; then a longer one that holds another, and one that touches it.
    ['a', 'logs', '09:50:00', '10:02:00'],
    ['a', 'alerts', '09:55:00', '10:01:00'],
    ['a', 'alerts', '10:10:00', '10:20:00'],
    ['a', 'logs', '10:12:00', '10:15:00'],
    ['a', 'logs', '10:20:00', '10:21:00'],
    // Two of the same second, and one that is still open.
    ['b', 'alerts', '10:30:00.2', '10:30:30.2'],
    ['b', 'alerts', '10:30:00.7', '10:30:30.7'],
    ['b', 'alerts', '10:59:00', null],
    // Outside.
    ['b', 'alerts', '09:00:00', '09:30:00'],
    ['b', 'alerts', '11:10:00', null],
  ] as const;

  it('of a node add up to the time that any of them covers', async () => {
    expect(await answered(`${missingMinutes} ORDER BY node`, gaps)).toEqual([
      ['a', 2 + 10 + 1],
      ['b', 30.5 / 60 + 1],
    ]);
  });

  it('of each stream are apart where that is asked', async () => {
    const sums = `SELECT node, stream, sum(minutes), sum(times)::INTEGER FROM (${gapStretches('node', 'stream')}) GROUP BY ALL ORDER BY ALL`;
    expect(await answered(sums, gaps)).toEqual([
      ['a', 'alerts', 1 + 10, 2],
      ['a', 'logs', 2 + 3 + 1, 3],
      ['b', 'alerts', 30.5 / 60 + 1, 3],
    ]);
  });
});

describe('colours', () => {
  const severities = [unsetSeverityColour, ...severitySteps.map(({ color }) => color)];

  it('of outcomes mean nothing else', () => {
    const outcomes: readonly string[] = Object.values(outcomeColours);
    expect([...Object.values(operationColours), ...severities].filter((colour) => outcomes.includes(colour))).toEqual(
      [],
    );
    expect(new Set(severities).size).toBe(severities.length);
    expect(JSON.stringify(severitySeries)).toContain(unsetSeverityColour);
  });

  it('of severities are the same in Explore', () => {
    const place = { name: 'severity', columns: new Set<string>(), dataSource: '' };
    const links = { process: '', workload: '', sightings: '' };
    const config = fieldConfig({ ...place, links });
    expect(config?.thresholds).toMatchObject({ steps: severitySteps });
    expect(JSON.stringify(config?.mappings)).toContain(unsetSeverityColour);
  });

  it('of operations are the same wherever they are drawn', () => {
    const drawn = boards.flatMap(panelsOf).filter(({ title }) => title === 'Events by operation');
    expect(drawn.length).toBe(2);
    for (const { fieldConfig: config } of drawn) expect(config).toMatchObject({ overrides: operationSeries });
  });
});
