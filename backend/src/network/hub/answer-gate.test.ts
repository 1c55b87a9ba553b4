import { expect, it } from 'vitest';
import { ManualTime } from '../../../../test/support/manual-time.js';
import { request } from '../../../../test/support/network.js';
import { AnswerGate } from './answer-gate.js';
import { letPass } from './patience.js';

const chunk = (bytes: number): { fragment: string; data: Uint8Array<ArrayBuffer> } => ({
  fragment: 'f0',
  data: new Uint8Array(bytes),
});
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
};

it('takes a fragment in pieces of 64 KiB and more, whose last may be smaller', async () => {
  const gate = new AnswerGate('e1', request(), () => Promise.resolve(), new ManualTime());
  gate.open(4, () => undefined);
  gate.chunk(chunk(64 * 1024));
  gate.chunk(chunk(1));
  expect(gate.ended).toBe(false);
  gate.chunk(chunk(1));
  expect(await gate.outcome).toMatchObject({
    status: 'failed',
    error: { code: 'INTERNAL', message: expect.stringContaining('pieces that are too small') as string },
  });
});

it('knows a node that began its answer and then says nothing, and one whose reader is slow', async () => {
  const time = new ManualTime();
  let take = (): void => undefined;
  const taken = (): Promise<void> => new Promise((resolve) => (take = resolve));
  const gate = new AnswerGate('e1', request(), taken, time);
  gate.open(2, () => undefined);
  expect(letPass(gate)).toBe(true);
  gate.chunk(chunk(1));
  await turns();
  time.advance(10_000);
  expect(letPass(gate)).toBe(false);
  take();
  await turns();
  time.advance(1_999);
  expect(letPass(gate)).toBe(false);
  time.advance(1);
  expect(letPass(gate)).toBe(true);
});
