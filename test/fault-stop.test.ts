import { afterEach, beforeEach, expect, it } from 'vitest';
import { Workplace } from './cli-support.js';
import { TestKubeArmor, TestNode, until } from './support/node-process.js';

let place: Workplace;
let kubearmor: TestKubeArmor;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await kubearmor.close();
  await place.close();
});

it('writes down that nobody listened while the node was stopped', async () => {
  kubearmor = await TestKubeArmor.start(place, { rate: 500, seed: 1 });
  const start = (): Promise<TestNode> => TestNode.start(place, { args: ['--kubearmor', kubearmor.address] });
  let node = await start();
  await until(async () => (await node.count('kubearmor.events')) > 200, 'events arrive');
  expect(await node.rows("SELECT * FROM armorlake.gaps WHERE cause <> 'throttle'")).toEqual([]);
  const stopping = Date.now();
  node.running.kill('SIGTERM');
  await node.running.finished;
  const stopped = Date.now();
  node = await start();
  const gaps = (): Promise<Record<string, unknown>[]> =>
    node.rows(
      'SELECT connector, stream, cause, epoch_ms(from_time)::DOUBLE AS first, epoch_ms(to_time)::DOUBLE AS last ' +
        "FROM armorlake.gaps WHERE cause <> 'throttle' ORDER BY stream",
    );
  await until(async () => (await gaps()).length >= 2, 'the gaps are there');
  expect(await gaps()).toMatchObject([
    { connector: 'kubearmor', stream: 'alerts', cause: 'stopped' },
    { connector: 'kubearmor', stream: 'logs', cause: 'stopped' },
  ]);
  for (const { first, last } of await gaps()) {
    expect(Number(first)).toBeGreaterThanOrEqual(stopping);
    expect(Number(first)).toBeLessThanOrEqual(stopped);
    expect(Number(last)).toBeGreaterThanOrEqual(stopped);
  }
});
