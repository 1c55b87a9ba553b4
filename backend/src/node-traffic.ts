import type { FragmentRunner } from './network/index.js';
import type { Scatter } from './query/index.js';

/** Counts the bytes of answers that this node gives to the network's queries and gets for its own. */
export class NodeTraffic {
  #sentBytes = 0;
  #receivedBytes = 0;

  /** Since the start; what a query node asks of its own lake included. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Since the start, of other nodes' answers. */
  get receivedBytes(): number {
    return this.#receivedBytes;
  }

  /** The same, what it hands over counted. */
  counted(runner: FragmentRunner): FragmentRunner {
    return {
      run: (request, emit, signal) => {
        const chunk: typeof emit.chunk = async (fragment, bytes) => {
          this.#sentBytes += bytes.byteLength;
          await emit.chunk(fragment, bytes);
        };
        return runner.run(request, { chunk }, signal);
      },
    };
  }

  /** The same, what nodes other than `own` answer counted. */
  metered(scatter: Scatter, own: string): Scatter {
    return {
      members: () => scatter.members(),
      scatter: (nodes, request, sink, signal) => {
        const chunk: typeof sink.chunk = async (name, fragment, bytes) => {
          if (name !== own) this.#receivedBytes += bytes.byteLength;
          await sink.chunk(name, fragment, bytes);
        };
        return scatter.scatter(nodes, request, { chunk, ended: (...ended) => sink.ended(...ended) }, signal);
      },
    };
  }
}
