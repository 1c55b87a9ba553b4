import { ArmorlakeError } from '../core/index.js';
import type { NodeOutcome, ScatterRequest } from '../query/index.js';
import { AnswerGate } from './hub/answer-gate.js';
import type { TakeChunk } from './hub/answer-gate.js';
import { cancelled, late } from './hub/member-session.js';
import { MOST_CREDITS } from './limits.js';
import { Credits, pieces } from './member/credits.js';
import type { Publication } from './member/publication.js';
import { nodeState } from './state.js';
import type { Time } from './time.js';
import type { FragmentRunner, NodeIdentity, NodeState } from './types.js';

/** This node's own lake, asked without a detour but held to the same rules as any other. */
export class LocalNode {
  readonly identity: NodeIdentity;
  readonly publication: Publication;
  readonly runner: FragmentRunner;
  readonly #time: Time;

  constructor(identity: NodeIdentity, publication: Publication, runner: FragmentRunner, time: Time) {
    this.identity = identity;
    this.publication = publication;
    this.runner = runner;
    this.#time = time;
  }

  state(): NodeState {
    return nodeState({
      identity: this.identity,
      metadata: this.publication.metadata,
      trouble: null,
      via: 'self',
      lastContactMs: this.#time.wallMs(),
      clockOffsetMs: 0,
      promised: true,
    });
  }

  async ask(
    request: ScatterRequest,
    take: TakeChunk,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: NodeOutcome; readonly passed: boolean }> {
    const { name } = this.identity;
    const gate = new AnswerGate(name, request, take, this.#time);
    const abort = new AbortController();
    const cancel = (): void => gate.fail(cancelled(name));
    const stop = this.#time.after(request.timeoutMs, () => gate.fail(late(name, request.timeoutMs)));
    signal.addEventListener('abort', cancel, { once: true });
    if (signal.aborted) cancel();
    else this.#run(gate, request, abort.signal);
    const outcome = await gate.outcome;
    stop();
    signal.removeEventListener('abort', cancel);
    if (outcome.status === 'failed') abort.abort(ArmorlakeError.fromShape(outcome.error));
    return { outcome, passed: gate.passed };
  }

  #run(gate: AnswerGate, request: ScatterRequest, signal: AbortSignal): void {
    const credits = new Credits(signal);
    credits.grant(MOST_CREDITS);
    gate.open(MOST_CREDITS, (more) => credits.grant(more));
    const emit = {
      chunk: async (fragment: string, bytes: Uint8Array): Promise<void> => {
        for (const data of pieces(bytes)) {
          await credits.take();
          gate.chunk({ fragment, data });
        }
      },
    };
    void Promise.resolve()
      .then(() => this.runner.run(request, emit, signal))
      .then(
        (facts) => gate.answered(facts),
        (thrown: unknown) => gate.fail(ArmorlakeError.from(thrown).toShape()),
      );
  }
}
