import { afterAll, describe, expect, it } from 'vitest';
import { Workplace } from './cli-support.js';
import { TestNode, until } from './support/node-process.js';

/** A real node, with its engine's process. */
describe('armorlake.node_metrics of a node', () => {
  const place = new Workplace();
  afterAll(() => place.close());

  it('has a row of its start and one of its end, that tell what it stored and took', async () => {
    const first = await TestNode.start(place, { args: ['--profile', 'edge'] });
    const event = JSON.stringify({ Operation: 'Process', Type: 'HostLog', UpdatedTime: new Date().toISOString() });
    await first.post(`${event}\n`.repeat(50));
    await until(async () => (await first.count('kubearmor.logs')) === 50, 'the events are stored');
    first.running.kill('SIGTERM');
    await first.running.finished;
    const second = await TestNode.start(place, { args: ['--profile', 'edge'] });
    const rows = await second.rows('SELECT * FROM armorlake.node_metrics ORDER BY time');
    expect(rows.map(({ node, profile, events }) => [node, profile, Number(events)])).toEqual([
      ['lake', 'edge', 0],
      ['lake', 'edge', 50],
      ['lake', 'edge', 0],
    ]);
    for (const row of rows) {
      expect(Number(row['seconds'])).toBeGreaterThan(0);
      expect(Number(row['disk_limit_bytes'])).toBeGreaterThan(0);
      expect(row['certificate_expires']).toBeNull();
      if (process.platform !== 'linux') continue;
      // Two processes of Node.js.
      expect(Number(row['rss_bytes'])).toBeGreaterThan(50e6);
      expect(Number(row['cpu_seconds'])).toBeGreaterThan(0);
    }
  }, 300_000);
});
