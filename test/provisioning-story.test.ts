import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import type { ChapterName, SimulatedEvent } from '../backend/src/simulator/index.js';
import { CHAPTER_NAMES, CHAPTERS, storyEvents } from '../backend/src/simulator/index.js';
import { compileQuery, parseModel } from '../plugin/shared/index.js';
import { alertingFiles, groups } from '../provisioning/src/alerting/files.js';
import { Workplace } from './cli-support.js';
import { askWhole, explain, joinAddress, membersAlive, startQueryNode } from './support/federation-nodes.js';
import { TestNode } from './support/node-process.js';

const rule = z.object({
  uid: z.string(),
  labels: z.object({ concern: z.enum(['workload', 'node']) }).loose(),
  data: z.array(
    z.looseObject({
      refId: z.string(),
      relativeTimeRange: z.object({ from: z.number() }).optional(),
      model: z.looseObject({}),
    }),
  ),
});
type Question = z.infer<typeof rule>['data'][number];
const file = z.object({ groups: z.tuple([z.object({ rules: z.array(rule) })]) });
const threshold = z.object({
  conditions: z.tuple([z.object({ evaluator: z.object({ params: z.tuple([z.number()]) }) })]),
});

/** The rules as Grafana reads them. */
const rules = groups.flatMap(({ name }) => file.parse(parse(alertingFiles.get(`${name}.yaml`) ?? '')).groups[0].rules);

const MINUTE_MS = 60_000;
/** The story goes on for so long after its history. */
const LIVE_MS = 4 * MINUTE_MS;
/** Before the first act of the attack. */
const NORMAL_MS = -41 * MINUTE_MS;
const LINES_A_POST = 5_000;

interface Told {
  readonly chapter: ChapterName;
  /** Milliseconds after the history's end. */
  readonly atMs: number;
  readonly event: SimulatedEvent;
}

/** A chapter, but for what nobody hears while its KubeArmor is away. */
function told(chapter: ChapterName, nowMs: number): readonly Told[] {
  const throttle = { maxAlertsPerSec: 10, droppingIntervalSec: 30 };
  const settings = { chapter, historyMs: 24 * 60 * MINUTE_MS, seed: 1, nowMicros: nowMs * 1000, throttle };
  const { away = { afterSec: 0, forSec: 0 } } = CHAPTERS[chapter];
  const list: Told[] = [];
  for (const event of storyEvents(settings)) {
    const atMs = Date.parse(('UpdatedTime' in event.event ? event.event.UpdatedTime : undefined) ?? '') - nowMs;
    if (atMs > LIVE_MS) break;
    if (atMs >= away.afterSec * 1000 && atMs < (away.afterSec + away.forSec) * 1000) continue;
    list.push({ chapter, atMs, event });
  }
  return list;
}

describe('the story of the simulators, told to three nodes', () => {
  const place = new Workplace();
  const edges = new Map<ChapterName, TestNode>();
  // What happens after the history has happened, too, when it is told here.
  const nowMs = Date.now() - LIVE_MS;
  const story = CHAPTER_NAMES.flatMap((chapter) => told(chapter, nowMs));
  let query: TestNode;

  beforeAll(async () => {
    query = await startQueryNode(place);
    const join = await joinAddress(query);
    for (const chapter of CHAPTER_NAMES) {
      edges.set(chapter, await TestNode.start(place, { data: chapter, args: ['--join', join, '--cluster', chapter] }));
    }
    await membersAlive(query, ...CHAPTER_NAMES);
  }, 300_000);
  afterAll(() => place.close());

  /** Tells the nodes what happened from one time to another; they hear it now. */
  async function tell(fromMs: number, toMs: number): Promise<void> {
    for (const [chapter, node] of edges) {
      const part = story.filter((each) => each.chapter === chapter && each.atMs >= fromMs && each.atMs < toMs);
      for (let start = 0; start < part.length; start += LINES_A_POST) {
        const lines = part.slice(start, start + LINES_A_POST).map(({ event }) => JSON.stringify(event.event));
        const { status, body } = await node.post(lines.join('\n'), 'kubearmor');
        expect({ status, body }).toMatchObject({ status: 200 });
      }
    }
  }

  /** A question of a rule about what was received since then. */
  function compiled(uid: string, question: Question | undefined, sinceMs = 0): string {
    if (question === undefined) throw new Error(`${uid} asks nothing.`);
    const toMs = Date.now() + 1;
    // From the tests' start: a slow machine must not let what happened in the story leave the window.
    const fromMs = Math.max(sinceMs, nowMs + LIVE_MS - (question.relativeTimeRange?.from ?? 0) * 1000);
    const model = parseModel(question.model, 'kubearmor.alerts');
    return compileQuery(model, { fromMs, toMs, intervalMs: MINUTE_MS, maxDataPoints: 100 }).sql;
  }

  async function answered(uid: string, question: Question | undefined, sinceMs = 0) {
    const sql = compiled(uid, question, sinceMs);
    const { status, error, rows, schema } = await askWhole(query, { sql });
    if (status !== 200) throw new Error(`${uid}: ${JSON.stringify(error)}`);
    const where = schema.findIndex(({ name }) => name === 'place');
    return rows.map((row) => ({
      place: String(row[where]),
      number: Number(row.find((cell) => typeof cell === 'number')),
    }));
  }

  /** The rules that fire by what was received since then. */
  async function firing(concern: 'workload' | 'node', sinceMs = 0): Promise<Record<string, readonly string[]>> {
    const fired: Record<string, readonly string[]> = {};
    for (const { uid, data } of rules.filter(({ labels }) => labels.concern === concern)) {
      const above = threshold.parse(data.at(-1)?.model).conditions[0].evaluator.params[0];
      const places = (await answered(uid, data[0], sinceMs))
        .filter(({ number }) => number > above)
        .map(({ place }) => place);
      if (places.length > 0) fired[uid] = [...new Set(places)].toSorted();
    }
    return fired;
  }

  it('is quiet before the attack, even when the whole day is heard at once', async () => {
    await tell(-Infinity, NORMAL_MS);
    expect(await firing('workload')).toEqual({});
    const { 'armorlake-loss': loss, 'armorlake-no-file-events': blind } = await firing('node');
    expect({ loss, blind }).toEqual({});
  }, 300_000);

  it('is judged by what the nodes count: no event travels for a rule on workloads', async () => {
    for (const { uid, data } of rules.filter(({ labels }) => labels.concern === 'workload')) {
      const { fragments } = await explain(query, { sql: compiled(uid, data[0]) });
      expect({ uid, kinds: fragments.map(({ kind }) => kind) }).toEqual({ uid, kinds: ['agg'] });
    }
  });

  it('lies in the nodes with its own times, and is found by them', async () => {
    for (const [from, to] of [
      [-20, -19],
      [-3, -2],
    ] as const) {
      const range = {
        from: new Date(nowMs + from * 60 * MINUTE_MS).toISOString(),
        to: new Date(nowMs + to * 60 * MINUTE_MS).toISOString(),
      };
      const inRange = story.filter(({ atMs }) => atMs >= from * 60 * MINUTE_MS && atMs < to * 60 * MINUTE_MS);
      const { rows } = await askWhole(query, {
        sql: 'SELECT count(*), min(time), max(time) FROM kubearmor.events',
        timeRange: range,
      });
      const times = inRange
        .map(({ event }) => ('UpdatedTime' in event.event ? (event.event.UpdatedTime ?? '') : ''))
        .toSorted();
      expect(rows).toEqual([[inRange.length, times[0], times.at(-1)]]);
    }
  });

  it('lets every rule on workloads fire when the attack is heard', async () => {
    await tell(NORMAL_MS, 0);
    const [wordpress, payments] = ['west/shop/wordpress', 'east/payments/payments-api'];
    expect(await firing('workload')).toEqual({
      'armorlake-block-burst': [payments, wordpress],
      'armorlake-critical': [payments, wordpress],
      'armorlake-miner': [payments],
      // Of the history only what is not older than the rule's window is new.
      'armorlake-new-binary': [payments],
      'armorlake-new-egress': [payments],
      'armorlake-production-shell': [payments, wordpress],
      'armorlake-reverse-shell': [wordpress],
      'armorlake-sensitive-file': [payments, wordpress],
      'armorlake-system-write': [payments],
    });
    // The scan was too fast for KubeArmor.
    expect(await firing('node')).toMatchObject({ 'armorlake-loss': [wordpress] });
  });

  it("leads from each rule's instances to when their events happened, which was long before they were heard", async () => {
    for (const { uid, data } of rules.filter(({ labels }) => labels.concern === 'workload')) {
      const asked = new Map(data.map((each) => [each.refId, each]));
      const starts = await answered(uid, asked.get('since'));
      expect({ uid, count: starts.length }).not.toEqual({ uid, count: 0 });
      for (const { number } of starts) {
        expect(number).toBeGreaterThanOrEqual(nowMs - 25 * 60 * MINUTE_MS);
        expect(number).toBeLessThan(nowMs - 60 * MINUTE_MS);
      }
    }
  });

  it('keeps some of them firing by what goes on', async () => {
    const sinceMs = Date.now();
    await tell(0, LIVE_MS);
    expect(await firing('workload', sinceMs)).toMatchObject({
      'armorlake-block-burst': ['east/payments/payments-api'],
      'armorlake-critical': ['east/payments/payments-api', 'plant/iot/plc-gateway'],
      'armorlake-miner': ['east/payments/payments-api', 'plant/iot/plc-gateway'],
      'armorlake-production-shell': ['west/shop/wordpress'],
      'armorlake-reverse-shell': ['west/shop/wordpress'],
    });
    // How the miner came to the plant nobody saw, but that the workload never went out before.
    const { 'armorlake-new-egress': egress } = await firing('workload');
    expect(egress).toEqual(['east/payments/payments-api', 'plant/iot/plc-gateway']);
  });
});
