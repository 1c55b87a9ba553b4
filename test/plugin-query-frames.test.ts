import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recipes } from '../plugin/shared/index.js';
import { tailKey } from '../plugin/shared/tail-key.js';
import type { DecodedFrame } from './support/frames.js';
import type { Answered } from './support/plugin-lake.js';
import { PluginLake, alertHeaders, written } from './support/plugin-lake.js';
import { built } from './support/plugin-model.js';

let lake: PluginLake;

beforeAll(async () => {
  lake = await PluginLake.open();
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

/** What differs from run to run, made equal. */
const volatile: ReadonlySet<string> = new Set(['elapsedMs', 'queryId', 'ms', 'bytes']);

function golden({ frames, error, status }: Answered): string {
  const answer = { status, ...(error === '' ? {} : { error }), frames };
  const text = JSON.stringify(answer, (key, value: unknown) => (volatile.has(key) ? '…' : value), 2);
  return `${text}\n`;
}

async function expectGolden(answer: Answered, name: string): Promise<void> {
  await expect(golden(answer)).toMatchFileSnapshot(`data/plugin-frames/${name}.json`);
}

/** Every type that an answer can have, with its edges. */
const values = `SELECT * FROM (VALUES
  (1, true, 1::TINYINT, 200::UTINYINT, -3::SMALLINT, 60000::USMALLINT, 70000, 4000000000::UINTEGER,
   9007199254740993, 18446744073709551615::UBIGINT, 12::HUGEINT, 1.25::DECIMAL(9, 2), 0.5::FLOAT, 'NaN'::DOUBLE,
   'Infinity'::DOUBLE, 'text', '\\xAB\\x00'::BLOB, TIMESTAMP '2026-01-01 10:00:00.123456', DATE '2026-01-02',
   TIMESTAMP_NS '2026-01-01 10:00:00.123456789', TIME '10:00:00', INTERVAL 90 SECOND,
   [1, NULL, 3], {'a': 1, 'b': [TIMESTAMP '2026-01-01']}, MAP {'k': 'v', '__proto__': 'w'}, 'A'::ENUM ('A', 'B'),
   '5f8d1c0e-0000-4000-8000-000000000001'::UUID),
  (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, NULL, NULL, NULL, NULL)
) t(id, bool, tiny, utiny, small, usmall, int, uint, big, ubig, huge, dec, float, nan, inf, text, blob, ts, date, ns,
    tod, span, list, struct, map, enum, uuid) ORDER BY id`;

describe('frames field by field', () => {
  test('a table of the builder', async () => {
    await expectGolden(await lake.ask(built('table', 'kubearmor.alerts')), 'table');
  });

  test('values of every type', async () => {
    await expectGolden(await lake.ask(written('table', values)), 'values');
  });

  test('series with the same times: wide, empty buckets of a count filled', async () => {
    const model = built('timeseries', 'kubearmor.alerts', { groupBy: ['outcome'], timeBucket: '6h' });
    await expectGolden(await lake.ask(model), 'series-wide');
  });

  test('series with other times: a frame for each', async () => {
    const model = built('timeseries', 'kubearmor.alerts', {
      groupBy: ['namespace', 'labels[app]'],
      timeBucket: '1m',
      aggregates: [{ function: 'max', column: 'severity' }],
    });
    await expectGolden(await lake.ask(model), 'series-multi');
  });

  test('logs', async () => {
    await expectGolden(await lake.ask(built('logs', 'kubearmor.alerts')), 'logs');
  });

  test('logs, whose live packets have the same fields', async () => {
    const table = 'kubearmor.alerts';
    const { frames } = await lake.ask(built('logs', table));
    const request = { table, filters: [], adHocFilters: [] };
    const { frame } = await lake.host.subscribe(`tail/${tailKey(request)}`, request);
    const live = (frame as { schema: { fields: readonly { name: string; config?: unknown }[] } }).schema.fields;
    expect(live.map(({ name, config }) => ({ name, config }))).toEqual(
      frames[0]?.fields.map(({ name, config }) => ({ name, config })),
    );
    expect(live.map(({ name }) => name)).toContain('seq');
  });

  test('annotations', async () => {
    await expectGolden(
      await lake.ask({ ...built('annotations', 'kubearmor.alerts'), annotation: 'blocks' }),
      'annotations',
    );
  });

  test('numbers for an alert: each row an instance', async () => {
    const model = written(
      'table',
      'SELECT namespace, count(*) AS events FROM kubearmor.alerts GROUP BY ALL ORDER BY 1',
    );
    await expectGolden(await lake.ask(model, {}, { headers: alertHeaders }), 'alert-numbers');
  });

  test('series for an alert, from a table', async () => {
    const model = written(
      'table',
      'SELECT time_bucket(INTERVAL 1 HOUR, time) AS t, outcome, count(*) AS n FROM kubearmor.alerts GROUP BY ALL',
    );
    await expectGolden(await lake.ask(model, {}, { headers: alertHeaders }), 'alert-series');
  });
});

describe('a time series of the builder', () => {
  /** Values of each series by its label's value. */
  function seriesOf({ frames, error }: Answered, label: string): Readonly<Record<string, readonly unknown[]>> {
    expect(error).toBe('');
    const values = frames.flatMap(({ fields }) => fields).filter(({ labels }) => labels !== undefined);
    return Object.fromEntries(
      values.map(({ labels, values: own }) => [(labels as Record<string, string>)[label] ?? '', own]),
    );
  }

  const minutes = (count: number) => ({
    fromMs: Date.UTC(2026, 0, 1, 10),
    toMs: Date.UTC(2026, 0, 1, 10, count),
    intervalMs: 60_000,
  });

  test('has a series for each value of a number, as the recipe for severities wants it', async () => {
    const recipe = recipes.find(({ id }) => id === 'alerts-by-severity');
    const answer = await lake.ask(recipe?.query ?? {}, minutes(3));
    expect(seriesOf(answer, 'severity')).toEqual({ 1: [1, 0, 1], 5: [1, 0, 0], 9: [1, 0, 0] });
  });

  test('that was cut ends before the bucket that is not whole: what lies behind is no zero', async () => {
    const model = built('timeseries', 'kubearmor.alerts', { groupBy: ['policy'], timeBucket: '10s', limit: 3 });
    const answer = await lake.ask(model, minutes(5));
    expect(answer.frames[0]?.fields[0]?.values).toEqual(['1767261600000000000', '1767261610000000000']);
    expect(seriesOf(answer, 'policy')).toEqual({ p1: [0, 1] });
    expect(JSON.stringify(answer.frames[0]?.meta['notices'])).toContain('There are more than these 3 rows');
  });
});

describe('no rows read as no data', () => {
  function fieldCounts({ frames, error }: Answered): readonly number[] {
    expect(error).toBe('');
    return frames.map(({ fields }: DecodedFrame) => fields.length);
  }

  const nothing = 'SELECT time, namespace, severity FROM kubearmor.alerts WHERE false';

  test.each([
    ['timeseries', {}],
    ['timeseries', alertHeaders],
    ['table', alertHeaders],
    ['table', { 'http_X-Grafana-From-Expr': 'true' }],
  ])('%s with %o: a frame without fields', async (type, headers) => {
    expect(fieldCounts(await lake.ask(written(type, nothing), {}, { headers }))).toEqual([0]);
  });

  test('a table keeps its columns, logs theirs', async () => {
    const table = await lake.ask(written('table', nothing));
    expect(table.frames[0]?.fields.map(({ name, values: none }) => [name, none])).toEqual([
      ['time', []],
      ['namespace', []],
      ['severity', []],
    ]);
    expect(fieldCounts(await lake.ask(written('logs', nothing)))).toEqual([5]);
  });
});
