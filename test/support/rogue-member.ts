import type { HubDial } from '../../backend/src/network/index.js';
import { writeIdentity, writeMetadata } from '../../backend/src/network/wire/metadata.js';
import { identity, metadata } from './network.js';

type Join = ReturnType<HubDial['join']>;
export type Deliver = ReturnType<HubDial['deliver']>;
export type Answer = NonNullable<Parameters<Deliver['send']>[0]['message']>;
/** What a member says of its lake, as it goes over the wire. */
export type SaidMetadata = ReturnType<typeof writeMetadata>;

/** A member that speaks the protocol itself, and keeps to it until a test makes it break it. */
export class Rogue {
  readonly dial: HubDial;
  readonly join: Join;
  readonly asks: string[] = [];
  readonly ended: (string | null)[] = [];
  readonly refused: string[] = [];
  session = '';
  credits = 0;
  echoing = true;
  /** What it sends for an ask, after the opening. */
  answer: (stream: Deliver, requestId: string) => void = () => undefined;

  constructor(dial: HubDial, name: string, said: SaidMetadata = writeMetadata(metadata, 1)) {
    this.dial = dial;
    this.join = dial.join();
    this.join.handle({
      message: ({ message }) => {
        if (message.case === 'welcome') this.session = message.value.session;
        else if (message.case === 'refused') this.refused.push(message.value.message);
        else if (message.case === 'ping' && this.echoing) this.echo(message.value.id);
        else if (message.case === 'ask') {
          this.credits += message.value.credits;
          this.asks.push(message.value.requestId);
          this.answer(this.open(message.value.requestId), message.value.requestId);
        }
      },
      closed: (error) => this.ended.push(error?.message ?? null),
    });
    const hello = { protocol: 1, identity: writeIdentity(identity(name)), metadata: said };
    void this.join.send({ message: { case: 'hello', value: hello } });
  }

  echo(pingId: bigint): void {
    const micros = BigInt(Date.now()) * 1_000n;
    const value = { pingId, receivedMicros: micros, sentMicros: micros, engineAgeMs: 0 };
    void this.join.send({ message: { case: 'heartbeat', value } });
  }

  open(requestId: string, session = this.session): Deliver {
    const stream = this.dial.deliver();
    stream.handle({
      message: ({ credits }) => (this.credits += credits),
      closed: (error) => this.ended.push(error?.message ?? null),
    });
    void stream.send({ message: { case: 'open', value: { session, requestId } } });
    return stream;
  }
}
