import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { network } from '@armorlake/proto';
import type { HubTarget } from '../backend/src/network/index.js';
import {
  identity,
  metadata,
  TestNetwork,
  TestSink,
  alive,
  ask,
  grpcWiring,
  memoryWiring,
  reason,
  until,
} from './support/network.js';
import type { TestNode } from './support/network.js';
import { Rogue } from './support/rogue-member.js';
import type { Answer } from './support/rogue-member.js';
import { writeIdentity, writeMetadata } from '../backend/src/network/wire/metadata.js';

const chunk = (fragment: string, bytes = 10): Answer => ({
  case: 'chunk',
  value: { fragment, data: new Uint8Array(bytes) },
});
const answered: Answer = { case: 'answered', value: { rows: 1n, bytes: 10n, ms: 1 } };

describe.each([memoryWiring, grpcWiring])('a hostile member over %o', (wire) => {
  let net: TestNetwork;
  let hub: TestNode & { address: HubTarget };
  let rogue: Rogue;
  beforeEach(async () => {
    net = new TestNetwork(wire());
    hub = await net.hub('q1');
    await net.edge('good', [hub.address]);
    rogue = new Rogue(net.wiring.backbone('rogue').dial(hub.address), 'rogue');
    await until(() => alive(hub, 'rogue') && alive(hub, 'good'));
  });
  afterEach(async () => {
    rogue.dial.close();
    await net.close();
  });

  const two = [
    { name: 'f0', sql: '' },
    { name: 'f1', sql: '' },
  ];

  it.each<[string, Answer[], RegExp]>([
    ['an unknown fragment', [chunk('f9')], /sent a fragment it was not asked for/],
    ['a prototype for a fragment', [chunk('__proto__')], /sent a fragment it was not asked for/],
    ['fragments in the wrong order', [chunk('f1')], /in the wrong order/],
    ['fragments to and fro', [chunk('f0'), chunk('f1'), chunk('f0')], /in the wrong order/],
    ['an empty chunk', [chunk('f0', 0)], /sent a chunk of 0 bytes/],
    ['too large a chunk', [chunk('f0', 512 * 1024 + 1)], /sent a chunk of 524289 bytes/],
    ['an end without a fragment', [chunk('f0'), answered], /without all fragments/],
    ['an end without anything', [answered], /without all fragments/],
    ['a fragment byte by byte', [chunk('f0', 1), chunk('f0', 1)], /in pieces that are too small/],
    [
      'chunks without credit',
      Array.from({ length: 50 }, () => chunk('f0', 64 * 1024)),
      /more than it was given credit for/,
    ],
    [
      'too many rows',
      [chunk('f0'), chunk('f1'), { case: 'answered', value: { rows: 2_000_000n } }],
      /sent more than it may, 1000000 rows/,
    ],
    ['a second opening', [{ case: 'open', value: { session: '', requestId: '' } }], /something that is no answer/],
    [
      'an error that is none',
      [{ case: 'failed', value: { code: 'toString', message: 'x'.repeat(9_999) } }],
      /^INTERNAL rogue: x{299}…$/,
    ],
    [
      "another's name in its error",
      [{ case: 'failed', value: { code: 'BUSY', message: 'no', node: 'good' } }],
      /^BUSY rogue: no$/,
    ],
  ])('that sends %s is failed by name, and nobody else', async (_what, messages, says) => {
    rogue.answer = (stream) => {
      for (const message of messages) void stream.send({ message });
    };
    const sink = new TestSink();
    // Credit comes back only when a chunk has been taken.
    sink.hold = (node) => (node === 'rogue' && messages.length > 10 ? new Promise(() => undefined) : Promise.resolve());
    await ask(hub, ['rogue', 'good'], { fragments: two }, sink);
    expect(sink.error('rogue')).toMatch(says);
    expect(sink.error('rogue')).toMatch(/^[A-Z_]+ rogue: /);
    expect(sink.outcomes.get('good')?.status).toBe('answered');
    await until(() => rogue.ended.length > 0, 'the end of its stream');
  });

  it('that sends without end is failed at the budget', async () => {
    let sent = 0;
    rogue.answer = (stream) => {
      const more = (): void => {
        if (rogue.ended.length > 0) return;
        for (; rogue.credits > 0; rogue.credits--)
          void stream.send({ message: chunk('f0', 100_000) }).then(() => sent++);
        setTimeout(more, 1);
      };
      more();
    };
    const sink = await ask(hub, ['rogue', 'good'], { budget: { rows: 10, bytes: 1_000_000 } });
    expect(sink.error('rogue')).toMatch(/^INTERNAL rogue: Node rogue sent more than it may, 10 rows or 1000000 bytes/);
    expect(sink.bytes).toBeLessThanOrEqual(1_000_100);
    await until(() => rogue.ended.length > 0);
    expect(sent).toBeLessThan(20);
  });

  it('that answers what it was not asked is thrown out', async () => {
    rogue.open('0123456789abcdef');
    await until(() => reason(hub, 'rogue') === 'Node rogue answered a question it was not asked.');
    expect(alive(hub, 'good')).toBe(true);
  });

  it('that answers twice fails that answer only once, and is thrown out', async () => {
    rogue.answer = (stream, id) => {
      rogue.open(id);
      void stream.send({ message: chunk('f0') });
    };
    const sink = await ask(hub, ['rogue']);
    expect(sink.error('rogue')).toMatch(/rogue/);
  });

  it("that answers late for a cancelled question isn't blamed", async () => {
    const abort = new AbortController();
    const asked = ask(hub, ['rogue'], {}, new TestSink(), abort.signal);
    await until(() => rogue.asks.length === 1);
    abort.abort();
    await asked;
    rogue.open(rogue.asks[0] ?? '');
    await until(() => rogue.ended.length === 2);
    expect(alive(hub, 'rogue')).toBe(true);
  });

  it("that does not know a session can't answer for it", async () => {
    const stranger = net.wiring.backbone('x').dial(hub.address);
    const ended: string[] = [];
    const stream = stranger.deliver();
    stream.handle({ message: () => undefined, closed: (error) => ended.push(error?.code ?? 'none') });
    void stream.send({ message: { case: 'open', value: { session: 'guess', requestId: 'guess' } } });
    await until(() => ended.length === 1);
    expect(ended).toEqual(['NOT_FOUND']);
    stranger.close();
  });

  it('that floods its control stream is thrown out', async () => {
    for (let each = 0; each < 2_000; each++) rogue.echo(0n);
    await until(() => reason(hub, 'rogue') === 'Node rogue sent too many messages in a second.');
    expect(alive(hub, 'good')).toBe(true);
  });

  it('that sends unusable metadata, or says hello twice, is thrown out', async () => {
    const odd = { ...metadata, cluster: 'c'.repeat(1_000) };
    void rogue.join.send({ message: { case: 'metadata', value: writeMetadata(odd, 2) } });
    await until(() => reason(hub, 'rogue')?.includes('a name of more than 256 characters') === true);
    const again = new Rogue(rogue.dial, 'rogue');
    await until(() => alive(hub, 'rogue'));
    void again.join.send({ message: { case: 'hello', value: { protocol: 1 } } });
    await until(() => reason(hub, 'rogue')?.includes('no place after its hello') === true);
  });

  it.each([
    ['older', 2],
    ['the same again', 5],
  ])('whose metadata comes out of order, %s, is thrown out, and rules out nothing', async (_what, version) => {
    const say = (host: string, number: number): void => {
      const values = { ...metadata.values, host: [host] };
      void rogue.join.send({ message: { case: 'metadata', value: writeMetadata({ ...metadata, values }, number) } });
    };
    const held = (): readonly string[] | null | undefined =>
      hub.node.network.members().find(({ name }) => name === 'rogue')?.values.host;
    say('newer', 5);
    await until(() => held()?.[0] === 'newer');
    say('older', version);
    await until(() => reason(hub, 'rogue') === 'Node rogue sent metadata that is older than what came before.');
    // It is named as failed, and its values rule out nothing, until it has joined anew and said all.
    expect(held()).toBeNull();
    const again = new Rogue(rogue.dial, 'rogue');
    await until(() => alive(hub, 'rogue'));
    expect(held()).toEqual(metadata.values.host);
    expect(again.ended).toEqual([]);
  });

  it('that echoes pings it never got is not taken for alive', async () => {
    const mute = new Rogue(net.wiring.backbone('mute').dial(hub.address), 'mute');
    mute.echoing = false;
    await until(() => mute.session !== '');
    for (let id = 1_000; id < 1_050; id++) mute.echo(BigInt(id));
    void mute.join.send({ message: { case: 'metadata', value: writeMetadata(metadata, 9) } });
    await until(() => reason(hub, 'mute') !== null);
    expect(alive(hub, 'mute')).toBe(false);
    expect((await ask(hub, ['mute'])).error('mute')).toContain('NOT_READY mute: Node mute is joining.');
    mute.dial.close();
  });

  it.each([
    ['no hello', { case: 'metadata' as const, value: writeMetadata(metadata, 1) }, /no hello/],
    ['no name', { case: 'hello' as const, value: { protocol: 1 } }, /did not say who it is/],
    [
      'an odd name',
      {
        case: 'hello' as const,
        value: { protocol: 1, identity: { ...writeIdentity(identity('x')), name: '<b>\u001b[31m' } },
      },
      /is no name of a node/,
    ],
    [
      'another protocol',
      { case: 'hello' as const, value: { protocol: 9, identity: writeIdentity(identity('x')) } },
      /speaks version 9/,
    ],
    [
      'no role',
      {
        case: 'hello' as const,
        value: { protocol: 1, identity: { ...writeIdentity(identity('x')), role: network.Role.UNSPECIFIED } },
      },
      /role is edge or query/,
    ],
  ])('that begins with %s is refused', async (_what, message, says) => {
    const dial = net.wiring.backbone('x').dial(hub.address);
    const refused: string[] = [];
    const stream = dial.join();
    stream.handle({
      message: (answer) => {
        if (answer.message.case === 'refused') refused.push(answer.message.value.message);
      },
      closed: () => undefined,
    });
    void stream.send({ message });
    await until(() => refused.length === 1);
    expect(refused[0]).toMatch(says);
    dial.close();
  });
});
