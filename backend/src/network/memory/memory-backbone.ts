import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { network } from '@armorlake/proto';
import { ArmorlakeError } from '../../core/index.js';
import { addressOf } from '../backbone.js';
import type { Backbone, Caller, HubDial, HubService, HubTarget, Listening, MessageStream } from '../backbone.js';
import { Line, connect } from './line.js';

/** What stands for the wires between the nodes of one process: hubs by address, and a line for each node and hub. */
export class MemoryWires {
  readonly hubs = new Map<string, HubService>();
  readonly #lines = new Map<string, Line>();
  #nextPort = 1;

  freePort(): number {
    return this.#nextPort++;
  }

  /** The line of one node to one hub, to be disturbed. */
  line(node: string, target: HubTarget): Line {
    const key = `${node} ${addressOf(target)}`;
    const line = this.#lines.get(key) ?? new Line();
    this.#lines.set(key, line);
    return line;
  }
}

/** The network within one process, for tests: messages are encoded and decoded as on a wire, but nothing is sent. */
export class MemoryBackbone implements Backbone {
  readonly #wires: MemoryWires;
  readonly #node: string;
  readonly #certificate: Caller['certificate'];
  readonly #port: number;

  /**
   * @param certificate what this node proves to hubs; null as without TLS
   * @param port where others find it if it listens; a free one by default
   */
  constructor(wires: MemoryWires, node: string, certificate: Caller['certificate'] = null, port = wires.freePort()) {
    this.#wires = wires;
    this.#node = node;
    this.#certificate = certificate;
    this.#port = port;
  }

  dial(target: HubTarget): HubDial {
    const line = this.#wires.line(this.#node, target);
    const caller: Caller = { certificate: this.#certificate, address: this.#node };
    const hub = (): HubService | undefined => this.#wires.hubs.get(addressOf(target));
    const open: { close(): void }[] = [];
    const stream = <C extends DescMessage, H extends DescMessage>(
      fromCaller: C,
      fromHub: H,
      serve: (hub: HubService, stream: MessageStream<MessageInitShape<H>, MessageShape<C>>) => void,
    ): MessageStream<MessageInitShape<C>, MessageShape<H>> => {
      const [near, far] = connect(line, through(fromCaller), through(fromHub));
      const there = hub();
      if (there === undefined) near.break({ code: 'NOT_READY', message: `Nothing listens at ${addressOf(target)}.` });
      else serve(there, far);
      open.push(near);
      return near;
    };
    return {
      join: () =>
        stream(network.JoinRequestSchema, network.JoinResponseSchema, (there, far) => there.join(far, caller)),
      deliver: () =>
        stream(network.DeliverRequestSchema, network.DeliverResponseSchema, (there, far) => there.deliver(far, caller)),
      relay: () =>
        stream(network.RelayRequestSchema, network.RelayResponseSchema, (there, far) => there.relay(far, caller)),
      watch: (request) =>
        stream(network.WatchRequestSchema, network.WatchResponseSchema, (there, far) =>
          there.watch(create(network.WatchRequestSchema, request), far, caller),
        ),
      forget: async (name) => {
        const there = hub();
        if (there === undefined) throw new ArmorlakeError('NOT_READY', `Nothing listens at ${addressOf(target)}.`);
        await there.forget(name, caller);
      },
      close: () => {
        for (const each of open) each.close();
      },
    };
  }

  listen(service: HubService): Promise<Listening> {
    const target = { host: 'memory', port: this.#port };
    this.#wires.hubs.set(addressOf(target), service);
    const close = (): Promise<void> => {
      this.#wires.hubs.delete(addressOf(target));
      return Promise.resolve();
    };
    return Promise.resolve({ ...target, close });
  }
}

/** Messages as the other side of a wire would read them. */
function through<D extends DescMessage>(schema: D): (message: MessageInitShape<D>) => [MessageShape<D>, number] {
  return (message) => {
    const bytes = toBinary(schema, create(schema, message));
    return [fromBinary(schema, bytes), bytes.length];
  };
}
