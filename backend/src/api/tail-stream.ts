import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { HostPaths } from './host-paths.js';
import type { Logger } from '../core/index.js';
import { ArmorlakeError, messageOf, withDeadline } from '../core/index.js';
import type { TailRows, TailSelection, Tails } from '../query/index.js';

/** A comment goes as often when nothing else does: proxies and clients see that the stream lives. */
const HEARTBEAT_MS = 10_000;
const RETRY_MS = 1000;
/** After an answer without rows: one that comes at once, again and again, must not keep the node busy with asking. */
const PAUSE_MS = 100;
/** Nodes that come and go are looked for so often. */
const NODES_MS = 2000;

/** Node → seq: where a stream is in each node's log. */
export type Positions = Map<string, number>;

export interface TailStreamOptions {
  readonly tails: Tails;
  readonly selection: TailSelection;
  readonly positions: Positions;
  readonly reply: FastifyReply;
  /** Aborts when the reader goes away. */
  readonly signal: AbortSignal;
  /** A reader that takes nothing for so long is let go, ms. */
  readonly patienceMs: number;
  readonly paths: HostPaths;
  readonly logger: Logger;
}

/** One open stream: each node's tail, together in the order they come. */
export class TailStream {
  readonly #tails: Tails;
  readonly #reply: FastifyReply;
  readonly #response: ServerResponse;
  readonly #selection: TailSelection;
  readonly #positions: Positions;
  readonly #signal: AbortSignal;
  readonly #patienceMs: number;
  readonly #paths: HostPaths;
  readonly #logger: Logger;
  readonly #followed = new Set<string>();
  readonly #troubles = new Map<string, string>();
  readonly #failed = new AbortController();
  #writing: Promise<void> = Promise.resolve();

  constructor({ tails, selection, positions, reply, signal, patienceMs, paths, logger }: TailStreamOptions) {
    this.#tails = tails;
    this.#selection = selection;
    this.#positions = positions;
    this.#reply = reply;
    this.#response = reply.raw;
    this.#signal = AbortSignal.any([signal, this.#failed.signal]);
    this.#patienceMs = patienceMs;
    this.#paths = paths;
    this.#logger = logger;
  }

  /** Streams until the client goes away, or reads too slowly. */
  async run(): Promise<void> {
    this.#response.writeHead(200, {
      ...(this.#reply.getHeaders() as OutgoingHttpHeaders),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    try {
      await this.#begin();
      while (!this.#signal.aborted) {
        await sleep(NODES_MS, undefined, { signal: this.#signal });
        for (const { name } of this.#tails.nodes()) this.#follow(name);
      }
    } catch (thrown) {
      if (!this.#signal.aborted) this.#logger.debug({ error: messageOf(thrown) }, 'A live tail ended.');
    } finally {
      this.#failed.abort();
      this.#end();
    }
  }

  /** Says where it begins, so that a client that is cut off before its first row loses none. */
  async #begin(): Promise<void> {
    const nodes = this.#tails.nodes();
    await Promise.all(
      nodes.map(async ({ name, trouble }) => {
        if (trouble !== null || this.#positions.has(name)) return;
        try {
          this.#positions.set(name, (await this.#next(name, null, 0)).lastSeq);
        } catch (thrown) {
          await this.#notice(name, thrown);
        }
      }),
    );
    await this.#send('open', JSON.stringify({ nodes: nodes.map(({ name }) => name) }));
    for (const { name } of nodes) this.#follow(name);
  }

  /** Begins to follow a node, once. */
  #follow(node: string): void {
    if (this.#followed.has(node)) return;
    this.#followed.add(node);
    this.#loop(node).catch((thrown: unknown) => {
      if (!this.#signal.aborted) this.#logger.debug({ node, error: messageOf(thrown) }, 'A live tail ended.');
      this.#failed.abort();
    });
  }

  async #loop(node: string): Promise<void> {
    for (;;) {
      this.#signal.throwIfAborted();
      try {
        const rows = await this.#next(node, this.#positions.get(node) ?? null, HEARTBEAT_MS);
        if (this.#troubles.delete(node)) await this.#send('notice', `${node}: It answers again.`);
        await this.#rows(node, rows);
        if (rows.rows === 0) await sleep(PAUSE_MS, undefined, { signal: this.#signal });
      } catch (thrown) {
        this.#signal.throwIfAborted();
        await this.#notice(node, thrown);
        await sleep(RETRY_MS, undefined, { signal: this.#signal });
      }
    }
  }

  async #next(node: string, afterSeq: number | null, waitMs: number): Promise<TailRows> {
    return await this.#tails.next(node, this.#selection, afterSeq, waitMs, this.#signal);
  }

  /** Tells of a node that is missing, once for each reason. */
  async #notice(node: string, thrown: unknown): Promise<void> {
    const error = ArmorlakeError.from(thrown);
    const message = this.#paths.sentence(error.message, error.code, this.#reply.request.identity);
    if (this.#troubles.get(node) === message) return;
    this.#troubles.set(node, message);
    await this.#send('notice', `${node}: ${message}`);
  }

  async #rows(node: string, { schema, body, rows, lastSeq }: TailRows): Promise<void> {
    this.#positions.set(node, lastSeq);
    if (rows === 0) return await this.#write(': nothing new\n\n');
    await this.#send('rows', `{"schema":${JSON.stringify(schema)},"rows":[${body.toString()}]}`);
  }

  /** JSON has no line breaks, and sentences are made of ours. */
  async #send(event: string, data: string): Promise<void> {
    const id = JSON.stringify(Object.fromEntries(this.#positions));
    await this.#write(`id: ${id}\nevent: ${event}\ndata: ${data.replaceAll(/[\r\n]+/g, ' ')}\n\n`);
  }

  /** Waits for a slow reader, for a while: nothing more is read from the lakes meanwhile. */
  async #write(text: string): Promise<void> {
    const turn = this.#writing.then(async () => {
      this.#signal.throwIfAborted();
      if (this.#response.write(text)) return;
      try {
        await once(this.#response, 'drain', { signal: withDeadline(this.#signal, this.#patienceMs) });
      } catch (thrown) {
        // What it doesn't take now it takes never: neither a notice nor the end of the stream would reach it.
        this.#failed.abort();
        throw thrown;
      }
    });
    this.#writing = turn.catch(() => undefined);
    await turn;
  }

  /** Ends the stream; where the reader has not taken what was written, its connection, too. */
  #end(): void {
    if (this.#response.writableNeedDrain) this.#response.destroy();
    else this.#response.end();
  }
}
