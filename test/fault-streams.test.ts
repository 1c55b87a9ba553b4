import { fromBinary } from '@bufbuild/protobuf';
import { feeder } from '@armorlake/proto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BreakWay, TruthLine } from '../backend/src/simulator/index.js';
import { Workplace } from './cli-support.js';
import {
  expectBalanced,
  expectContiguous,
  identities,
  identityOf,
  plainExpected,
  plainRow,
} from './support/account.js';
import type { Row } from './support/node-process.js';
import { TestKubeArmor, TestNode, until } from './support/node-process.js';

const MIB = 1 << 20;
// Whole nodes, on machines that do other things too.
vi.setConfig({ testTimeout: 300_000 });
const derived = ['syscall', 'direction', 'remote_ip', 'remote_port', 'protocol', 'domain'];

let place: Workplace;
let kubearmor: TestKubeArmor;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await kubearmor.close();
  await place.close();
});

/** Without redaction, so that rows can be compared with what was sent. */
function startNode(): Promise<TestNode> {
  return TestNode.start(place, {
    args: ['--kubearmor', kubearmor.address],
    environment: { ARMORLAKE_REDACTION_ENABLED: 'false' },
  });
}

async function connectorOf(node: TestNode): Promise<Row> {
  const [connector = {}] = await node.rows('FROM armorlake.connectors');
  return connector;
}

async function untilStreaming(node: TestNode): Promise<void> {
  await until(async () => (await connectorOf(node)).state === 'streaming', 'the connector streams');
}

/** The rows of a stream in the order of their events, in the shape of the second opinion. */
async function rowsOf(node: TestNode, stream: string): Promise<Row[]> {
  return (await node.rows(`FROM kubearmor.${stream} ORDER BY seq`)).map(plainRow);
}

function isEvent({ malformed }: TruthLine): boolean {
  return malformed === undefined;
}

describe('streams that break', () => {
  const causes: Readonly<Record<BreakWay, RegExp>> = {
    internal: /^break:13$/,
    unavailable: /^break:14$/,
    ok: /^ended$/,
    reset: /^break:(13|14)$/,
  };

  it('are gaps with their cause, are open again, and nothing is lost silently', async () => {
    kubearmor = await TestKubeArmor.start(place, { rate: 1000, seed: 21 });
    const node = await startNode();
    const ways = ['internal', 'unavailable', 'ok', 'reset'] as const;
    for (const [index, way] of ways.entries()) {
      await untilStreaming(node);
      const before = await node.count('kubearmor.events');
      await until(async () => (await node.count('kubearmor.events')) > before + 100, `events before ${way}`);
      kubearmor.simulator.breakStreams(way);
      await until(async () => (await node.count('armorlake.gaps')) === 2 * (index + 1), `the gaps of ${way}`);
      const gaps = await node.rows('SELECT stream, cause FROM armorlake.gaps ORDER BY from_time DESC LIMIT 2');
      expect(gaps.map(({ stream }) => stream).sort()).toEqual(['alerts', 'logs']);
      for (const { cause } of gaps) expect(cause).toMatch(causes[way]);
    }
    await untilStreaming(node);
    expect(await connectorOf(node)).toMatchObject({ breaks: 8, detail: null });
    kubearmor.pause();
    const truth = await kubearmor.truth();
    const lastSubscribers = [...new Set(truth.map(({ subscriber }) => subscriber))].slice(-2);
    const last = truth.filter(({ subscriber }) => lastSubscribers.includes(subscriber)).map(identityOf);
    await until(async () => {
      const stored = new Set((await identities(node)).values());
      return last.every((identity) => stored.has(identity));
    }, 'the last streams are stored');
    const stored = [...(await identities(node)).values()];
    const kept = new Set(stored);
    expect(kept.size).toBe(stored.length);
    const gaps = await node.rows(
      'SELECT stream, epoch_ms(from_time)::DOUBLE AS first, epoch_ms(to_time)::DOUBLE AS last FROM armorlake.gaps',
    );
    const silent = truth.filter((line) => {
      const at = Date.parse(`${(line.UpdatedTime ?? '').slice(0, 23)}Z`);
      const inGap = gaps.some(
        ({ stream, first, last: end }) => stream === line.stream && at >= Number(first) - 50 && at <= Number(end) + 50,
      );
      return !kept.has(identityOf(line)) && !inGap;
    });
    expect(silent.map(identityOf)).toEqual([]);
    await expectContiguous(node);
    await expectBalanced(node);
  });

  it('or only stall are not breaks, and all that was handed over comes', async () => {
    kubearmor = await TestKubeArmor.start(place, { rate: 2000, seed: 22, count: 4000, lossless: true });
    const node = await startNode();
    await until(async () => (await node.count('kubearmor.events')) > 500, 'events');
    kubearmor.simulator.stall(1500);
    await kubearmor.simulator.finished;
    await until(async () => (await node.received()) === 4000, 'all events');
    const stored = [...(await identities(node)).values()].sort();
    expect(stored).toEqual((await kubearmor.truth()).map(identityOf).sort());
    expect(await node.rows('FROM armorlake.gaps')).toEqual([]);
    expect(await connectorOf(node)).toMatchObject({ state: 'streaming', breaks: 0 });
  });
});

describe('messages that are wrong', () => {
  it('malformed ones are dead letters with their bytes, all others rows field by field', async () => {
    kubearmor = await TestKubeArmor.start(place, {
      rate: 4000,
      count: 3000,
      seed: 23,
      lossless: true,
      faults: { malformedEvery: 100, hostileEvery: 30, oversizedEvery: 999, oversizedBytes: 4 * MIB },
    });
    const node = await startNode();
    await kubearmor.simulator.finished;
    const truth = await kubearmor.truth();
    let received = 0;
    await until(
      async () => (received = await node.received()) === truth.length,
      () => `${received} of ${truth.length} messages are received`,
    );
    expect(truth.length).toBeGreaterThan(2900);
    expect(truth.every(isEvent)).toBe(false);

    for (const stream of ['logs', 'alerts']) {
      const letters = await node.rows(
        `SELECT bytes, error FROM armorlake.dead_letters WHERE seq IS NULL AND stream = '${stream}'`,
      );
      const malformed = truth.filter((line) => line.stream === stream && !isEvent(line));
      expect(letters.map(({ bytes }) => bytes).sort()).toEqual(malformed.map((line) => line.malformed).sort());
      for (const { error } of letters) expect(error).toMatch(/\w/);

      const sent = truth.filter((line) => line.stream === stream && isEvent(line)).map(({ event }) => event);
      const expected = sent.map((event) => plainExpected(event, 'kubearmor', stream === 'alerts'));
      const rows = await rowsOf(node, stream);
      expect(rows).toHaveLength(expected.length);
      for (const [index, row] of rows.entries()) {
        const resource = String(expected[index]?.resource);
        const capped = resource.length > MIB;
        const broken = String(expected[index]?.source).includes('\ufffd');
        expect(row).toEqual({
          ...expected[index],
          // A hostile text has taken the place of Data and Resource: they are derived from EventData, if there is any.
          ...(row.source === row.cwd || broken ? Object.fromEntries(derived.map((name) => [name, row[name]])) : {}),
          ...(capped ? { resource: resource.slice(0, MIB) } : {}),
          quality: [...(broken ? ['utf8:source'] : []), ...(capped ? ['capped:resource'] : [])],
        });
      }
    }

    // What the rows could not hold is beside them under the same seq, byte for byte.
    const repaired = await node.rows(
      'SELECT e.kind, e.resource, e.source, e.quality, d.bytes FROM kubearmor.events e JOIN armorlake.dead_letters d USING (seq) WHERE e.quality <> [] ORDER BY seq',
    );
    expect(repaired.length).toBe(await node.count('kubearmor.events WHERE quality <> []'));
    const oversized = repaired.filter(({ quality }) => JSON.stringify(quality).includes('capped'));
    expect(oversized).toHaveLength(3);
    for (const { kind, resource, bytes } of oversized) {
      const original = Buffer.from(String(bytes), 'base64');
      const schema = kind === 'alert' ? feeder.AlertSchema : feeder.LogSchema;
      const { Resource } = fromBinary(schema, original);
      expect(Resource.length).toBe(4 * MIB);
      expect(Resource.startsWith(String(resource))).toBe(true);
    }
    const invalid = repaired.filter(({ quality }) => JSON.stringify(quality).includes('utf8'));
    expect(invalid.length).toBeGreaterThan(5);
    for (const { bytes } of invalid) {
      expect(Buffer.from(String(bytes), 'base64').includes(Buffer.from([0x2f, 0xff, 0xfe, 0xc3]))).toBe(true);
    }
    await expectContiguous(node);
    await expectBalanced(node);
    expect(await node.rows('FROM armorlake.gaps')).toEqual([]);
  });
});
