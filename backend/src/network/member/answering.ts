import type { MessageShape } from '@bufbuild/protobuf';
import type { network } from '@armorlake/proto';
import { ArmorlakeError } from '../../core/index.js';
import type { DeliverRequestInit, DeliverResponse, MessageStream } from '../backbone.js';
import { GREETING_MS, METADATA_LIMITS, MOST_REQUESTS } from '../limits.js';
import type { Time } from '../time.js';
import { pause } from '../time.js';
import type { ChunkSink, FragmentRunner } from '../types.js';
import { writeError } from '../wire/errors.js';
import { readRequest, writeFacts } from '../wire/request.js';
import { whoAt } from '../wire/text.js';
import { Credits, pieces } from './credits.js';

type DeliverStream = MessageStream<DeliverRequestInit, DeliverResponse>;

export interface AnsweringOptions {
  readonly session: string;
  /** The name of the hub that asks. */
  readonly hub: string;
  readonly runner: FragmentRunner;
  readonly deliver: () => DeliverStream;
  readonly time: Time;
}

/** A member's side of the asks of one session with one hub. */
export class Answering {
  readonly #options: AnsweringOptions;
  readonly #running = new Map<string, AbortController>();

  constructor(options: AnsweringOptions) {
    this.#options = options;
  }

  ask({ requestId, request, credits }: MessageShape<typeof network.AskSchema>): void {
    if (this.#running.has(requestId)) return;
    const abort = new AbortController();
    // Tails, which wait most of the time, beside queries: the hub keeps them apart.
    const full = this.#running.size >= 2 * MOST_REQUESTS;
    if (!full) this.#running.set(requestId, abort);
    const given = new Credits(abort.signal);
    given.grant(credits);
    void this.#answer(requestId, request, full, given, abort).finally(() => {
      if (!full) this.#running.delete(requestId);
    });
  }

  cancel(requestId: string): void {
    this.#running.get(requestId)?.abort(cancelled());
  }

  /** Cancels everything. */
  close(): void {
    for (const abort of this.#running.values()) abort.abort(cancelled());
  }

  async #answer(
    requestId: string,
    wire: MessageShape<typeof network.RequestSchema> | undefined,
    full: boolean,
    credits: Credits,
    abort: AbortController,
  ): Promise<void> {
    const { session, deliver, time } = this.#options;
    const stream = deliver();
    const over = new AbortController();
    stream.handle({
      message: (message) => credits.grant(message.credits),
      closed: () => {
        over.abort();
        abort.abort(cancelled());
      },
    });
    void stream.send({ message: { case: 'open', value: { session, requestId } } });
    const last = await this.#work(wire, full, emitTo(stream, credits), abort);
    if (over.signal.aborted) return;
    await stream.send({ message: last });
    // The hub ends the stream when it has the answer; ending it here could lose what is under way.
    await pause(time, GREETING_MS, over.signal);
    stream.close();
  }

  /** Runs the request; resolves with the last message whatever happens. */
  async #work(
    wire: MessageShape<typeof network.RequestSchema> | undefined,
    full: boolean,
    emit: ChunkSink,
    abort: AbortController,
  ): Promise<NonNullable<DeliverRequestInit['message']>> {
    const { runner, time } = this.#options;
    let stop = (): void => undefined;
    try {
      if (full)
        throw new ArmorlakeError('BUSY', `The node works on ${2 * MOST_REQUESTS} queries and live tails already.`);
      const asked = readRequest(wire);
      const { hub } = this.#options;
      // A hub's users are known here by its word, and only as its own: no hub can have another's refused.
      const request = { ...asked, who: whoAt(asked.who, hub, METADATA_LIMITS.text), hub };
      stop = time.after(request.timeoutMs, () => abort.abort(late(request.timeoutMs)));
      return { case: 'answered', value: writeFacts(await runner.run(request, emit, abort.signal)) };
    } catch (thrown) {
      const error = ArmorlakeError.from(abort.signal.aborted ? abort.signal.reason : thrown);
      return { case: 'failed', value: writeError(error.toShape()) };
    } finally {
      stop();
    }
  }
}

function emitTo(stream: DeliverStream, credits: Credits): ChunkSink {
  return {
    chunk: async (fragment, bytes) => {
      for (const data of pieces(bytes)) {
        await credits.take();
        await stream.send({ message: { case: 'chunk', value: { fragment, data } } });
      }
    },
  };
}

function cancelled(): ArmorlakeError {
  return new ArmorlakeError('CANCELLED', 'The query was cancelled.');
}

function late(timeoutMs: number): ArmorlakeError {
  return new ArmorlakeError('DEADLINE', `The node did not answer within ${(timeoutMs / 1_000).toFixed(1)} s.`, {
    hint: 'Narrow the time range, or give the query more time.',
  });
}
