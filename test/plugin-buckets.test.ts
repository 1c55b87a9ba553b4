import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QueryContext } from '../plugin/shared/index.js';
import { bucketEnd, bucketStart, bucketStarts, bucketsOf, compileQuery } from '../plugin/shared/index.js';
import { ModelNode, built, range } from './support/plugin-model.js';
import { Random } from './support/random.js';

let node: ModelNode;

beforeAll(async () => {
  node = await ModelNode.open();
});

afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

describe("buckets on the viewer's clock", () => {
  const zones = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe', 'America/St_Johns'];
  const widths = ['30m', '1h', '2h', '12h', '1d', '1w'];
  const year: QueryContext = { ...range, fromMs: Date.UTC(2026, 0, 1), toMs: Date.UTC(2026, 11, 31) };

  it('are the same in SQL and in the frames, and begin at local midnight', async () => {
    const random = new Random(7);
    // Dense around the hours when clocks change, sparse else.
    const changes = [
      Date.UTC(2026, 2, 29, 1),
      Date.UTC(2026, 9, 25, 1),
      Date.UTC(2026, 2, 8, 7),
      Date.UTC(2026, 10, 1, 6),
      Date.UTC(2026, 3, 4, 15),
      Date.UTC(2026, 9, 3, 15, 30),
    ];
    const times = [
      ...changes.flatMap((at) => Array.from({ length: 20 }, () => at + (random.integer(8 * 3600) - 4 * 3600) * 1000)),
      ...Array.from({ length: 60 }, () => year.fromMs + random.integer((year.toMs - year.fromMs) / 1000) * 1000),
    ];
    await node.store(
      'kubearmor.logs',
      times.map((ms, index) => ({ time: new Date(ms).toISOString().replace('Z', ''), seq: index })),
    );
    for (const timezone of zones) {
      for (const width of widths) {
        const model = {
          ...built('table', 'kubearmor.logs', { timeBucket: width, groupBy: ['seq'], limit: 10_000 }),
          timezone,
        };
        const compiled = compileQuery(model, year);
        const buckets = bucketsOf(year, compiled.bucketMs ?? 0, timezone);
        const { rows, error } = await node.ask(compiled);
        expect(error, compiled.sql).toBeUndefined();
        const got = new Map(rows.map(({ seq, time }) => [Number(seq), Date.parse(String(time))]));
        const edges = new Set(bucketStarts(buckets));
        for (const [seq, ms] of times.entries()) {
          const start = bucketStart(ms, buckets);
          expect(
            [got.get(seq), start <= ms, bucketEnd(start, buckets) > ms],
            `${timezone} ${width} ${new Date(ms).toISOString()}`,
          ).toEqual([start, true, true]);
          expect(edges.has(start), `${timezone} ${width} ${new Date(start).toISOString()} is an edge`).toBe(true);
          if (width === '1d') {
            const clock = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, hour: '2-digit', minute: '2-digit' });
            expect(clock.format(start), `${timezone} ${new Date(start).toISOString()}`).toBe('00:00');
          }
        }
      }
    }
  });

  it('of a day are 23, 24 and 25 hours long', () => {
    const buckets = bucketsOf(
      { fromMs: Date.UTC(2026, 2, 27, 23), toMs: Date.UTC(2026, 2, 31, 22) },
      86_400_000,
      'Europe/Berlin',
    );
    const starts = bucketStarts(buckets).map((ms) => new Date(ms).toISOString());
    expect(starts).toEqual([
      '2026-03-27T23:00:00.000Z',
      '2026-03-28T23:00:00.000Z',
      '2026-03-29T22:00:00.000Z',
      '2026-03-30T22:00:00.000Z',
    ]);
  });

  it('refuse a zone that there is not', () => {
    const model = { ...built('timeseries', 'kubearmor.alerts', { timeBucket: '1d' }), timezone: 'Mars/Olympus' };
    expect(() => compileQuery(model, range)).toThrow('"Mars/Olympus" is no time zone.');
  });
});
