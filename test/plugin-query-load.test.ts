import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { PanelQuery } from './support/plugin-host.js';
import { PluginLake, askAll, written } from './support/plugin-lake.js';
import { built } from './support/plugin-model.js';

const long = process.env['ARMORLAKE_TEST_LONG'] === '1';
const REFRESH_MS = 5_000;
/** Five minutes of refreshes, or as many as tell a leak of a few MB each from none. */
const refreshes = long ? 60 : 20;
/** The first fill pools and get code compiled. */
const warm = Math.floor(refreshes / 2);
/** What the collector may leave lying at one moment or another. */
const SLACK_MIB = 32;

function rssMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

/** Twenty panels of a dashboard, each with a question of its own. */
function panels(): readonly PanelQuery[] {
  const toMs = Date.UTC(2026, 0, 2);
  return Array.from({ length: 20 }, (_, index): PanelQuery => {
    const model = [
      written('table', `SELECT * FROM kubearmor.logs WHERE seq > ${index} AND $__timeFilter(time)`, { sqlLimit: 2000 }),
      built('timeseries', 'kubearmor.logs', { groupBy: ['pod'], limit: 10_000 + index }),
      built('logs', 'kubearmor.logs', { limit: 500 + index }),
      built('table', 'kubearmor.logs', { aggregates: [{ function: 'count' }], groupBy: ['pod'], limit: 100 + index }),
    ][index % 4];
    return {
      refId: `P${index}`,
      model: model ?? {},
      // Each refresh is another range, as a dashboard's is.
      fromMs: toMs - 86_400_000,
      toMs,
      intervalMs: 60_000,
      maxDataPoints: 1_000,
    };
  });
}

test(
  `20 panels refreshed ${refreshes} times: no error, and the plugin stays as large as it is`,
  { timeout: long ? 420_000 : 240_000 },
  async () => {
    await using lake = await PluginLake.open();
    await lake.node.api.lake.connection.run(
      `INSERT INTO kubearmor.logs BY NAME SELECT TIMESTAMP '2026-01-01' + to_seconds(i) AS time, 'n1' AS node,
        i::BIGINT AS seq, 'pod ' || (i % 50) AS pod, repeat('resource ', 5) || i AS resource,
        MAP {'app': 'a' || (i % 9)} AS labels FROM range(1, 5001) r(i)`,
    );
    const pid = lake.host.process.child.pid ?? 0;
    const sizes: number[] = [];
    for (let refresh = 0; refresh < refreshes; refresh += 1) {
      const began = performance.now();
      const moved = panels().map((panel) => ({
        ...panel,
        fromMs: (panel.fromMs ?? 0) + refresh * 100_000,
        toMs: (panel.toMs ?? 0) + refresh * 100_000,
      }));
      // Each panel is a request of its own.
      const answers = await Promise.all(moved.map((panel) => askAll(lake.host, [panel])));
      const errors = answers.flatMap((answer) => Object.values(answer)).filter(({ error }) => error !== '');
      expect(errors).toEqual([]);
      sizes.push(rssMiB(pid));
      if (long) await delay(Math.max(0, REFRESH_MS - (performance.now() - began)));
    }
    const most = (some: readonly number[]): number => Math.max(...some);
    expect(most(sizes.slice(warm))).toBeLessThan(most(sizes.slice(0, warm)) + SLACK_MIB);
  },
);
