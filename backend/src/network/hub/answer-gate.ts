import type { MessageShape } from '@bufbuild/protobuf';
import type { network } from '@armorlake/proto';
import { ArmorlakeError } from '../../core/index.js';
import type { ErrorShape } from '../../core/index.js';
import type { NodeFacts, NodeOutcome, ScatterRequest } from '../../query/index.js';
import { CHUNK_BYTES, LEAST_CHUNK_BYTES } from '../limits.js';
import type { Time } from '../time.js';

type Chunk = Pick<MessageShape<typeof network.ChunkSchema>, 'fragment' | 'data'>;

/** Takes the chunks of one node; awaiting it holds that node back. */
export type TakeChunk = (fragment: string, bytes: Uint8Array) => Promise<void>;

/**
 * What one node sends in answer to one request, held to it: chunks only under credits, of the fragments asked, in their
 * order, within the budget. What breaks that fails the node, by name; the sink hears nothing of it afterwards.
 */
export class AnswerGate {
  readonly outcome: Promise<NodeOutcome>;
  readonly #node: string;
  readonly #request: ScatterRequest;
  readonly #take: TakeChunk;
  readonly #time: Time;
  readonly #order: ReadonlyMap<string, number>;
  #settle: (outcome: NodeOutcome) => void = () => undefined;
  #grant: ((credits: number) => void) | null = null;
  #credits = 0;
  #at = -1;
  #short = false;
  #waiting = 0;
  #movedMs: number;
  #bytes = 0;
  #taking: Promise<void> = Promise.resolve();
  #passed = false;
  #last = false;
  #ended = false;

  constructor(node: string, request: ScatterRequest, take: TakeChunk, time: Time) {
    this.#node = node;
    this.#request = request;
    this.#take = take;
    this.#time = time;
    this.#movedMs = time.monotonicMs();
    this.#order = new Map(request.fragments.map(({ name }, position) => [name, position]));
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether the sink has been given anything: from then on the node can't be asked again elsewhere. */
  get passed(): boolean {
    return this.#passed;
  }

  /** For how long the node has sent nothing, though all that came was taken, ms. */
  get silentMs(): number {
    return this.#waiting > 0 ? 0 : this.#time.monotonicMs() - this.#movedMs;
  }

  /**
   * The answer begins.
   * @param credits what the node was given with the request
   * @param grant gives it more, as chunks are taken
   */
  open(credits: number, grant: (credits: number) => void): void {
    this.#grant = grant;
    this.#credits = credits;
  }

  chunk({ fragment, data }: Chunk): void {
    if (this.#ended) return;
    const position = this.#order.get(fragment);
    if (this.#last) this.#broke('sent more after the end of its answer');
    else if (this.#credits <= 0) this.#broke('sent more than it was given credit for');
    else if (data.length === 0 || data.length > CHUNK_BYTES) this.#broke(`sent a chunk of ${data.length} bytes`);
    else if (position === undefined) this.#broke('sent a fragment it was not asked for');
    else if (position !== this.#at && position !== this.#at + 1) this.#broke('sent its fragments in the wrong order');
    else if (position === this.#at && this.#short) this.#broke('sent a fragment in pieces that are too small');
    else if (this.#bytes + data.length > this.#request.budget.bytes) this.#broke(this.#overBudget());
    else {
      this.#at = position;
      this.#short = data.length < LEAST_CHUNK_BYTES;
      this.#bytes += data.length;
      this.#credits--;
      this.#queue(fragment, data);
    }
  }

  answered(facts: NodeFacts): void {
    if (this.#ended) return;
    if (this.#last) this.#broke('ended its answer twice');
    else if (this.#at !== this.#order.size - 1) this.#broke('ended its answer without all fragments');
    else if (facts.rows > this.#request.budget.rows) this.#broke(this.#overBudget());
    else {
      this.#last = true;
      void this.#taking.then(() => this.#end({ status: 'answered', facts: { ...facts, bytes: this.#bytes } }));
    }
  }

  fail(error: ErrorShape): void {
    this.#end({ status: 'failed', error: { ...error, node: this.#node } });
  }

  #queue(fragment: string, data: Uint8Array): void {
    this.#waiting++;
    this.#taking = this.#taking.then(async () => {
      if (this.#ended) return;
      this.#passed = true;
      try {
        await this.#take(fragment, data);
      } catch (thrown) {
        this.fail(ArmorlakeError.from(thrown).toShape());
      }
      this.#waiting--;
      if (this.#ended) return;
      this.#movedMs = this.#time.monotonicMs();
      this.#credits++;
      this.#grant?.(1);
    });
  }

  /** A node refuses what is over the budget itself: what comes all the same is its fault, not the query's. */
  #overBudget(): string {
    const { rows, bytes } = this.#request.budget;
    return `sent more than it may, ${rows} rows or ${bytes} bytes`;
  }

  #broke(how: string): void {
    this.fail({
      code: 'INTERNAL',
      message: `Node ${this.#node} ${how}; its answer was thrown away.`,
      hint: 'Check its version and whether somebody else uses its certificate.',
    });
  }

  #end(outcome: NodeOutcome): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#settle(outcome);
  }
}
