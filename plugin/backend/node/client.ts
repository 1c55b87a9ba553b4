import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { PluginError } from '../errors.js';
import type { Settings } from '../settings.js';
import { errorAnswer, foreignHead, parseJson } from './answers.js';
import type { ExchangeRequest, Target } from './exchange.js';
import { StaleConnection, readBody } from './exchange.js';
import { Candidates } from './failover.js';
import type { NodeStatus } from './status.js';
import { checkNode, parseStatus } from './status.js';

/** What a node is given beyond the query's own time, which it watches itself. */
const GRACE_MS = 2_000;
/** Bytes of one answer; a node's own limit is 64 MiB unless a query says otherwise. */
const MAX_BYTES = 300 << 20;
const ERROR_BYTES = 4 << 20;
const STATUS_MS = 5_000;
/** Refusals that may come of a node being too old for the question. */
const OLD_NODE: ReadonlySet<string> = new Set(['NOT_FOUND', 'BAD_REQUEST']);

export interface NodeRequestOptions {
  readonly signal: AbortSignal;
  /** Media type wanted; JSON when left out. */
  readonly accept?: string;
  /** Until the whole answer is there, ms; the settings' time when left out. */
  readonly timeoutMs?: number;
}

/** A good answer, and who gave it. */
export interface NodeResponse {
  readonly url: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly trailers: NodeJS.Dict<string>;
  readonly body: Buffer;
}

/** Told of every request to a node; `outcome` is `ok` or the error's code. */
export interface NodeObserver {
  onRequest(path: string, outcome: string, seconds: number, bytes: number): void;
}

export interface NodeClientOptions {
  readonly settings: Settings;
  readonly observer: NodeObserver;
  /** A clock that only goes forward, ms. */
  readonly now?: () => number;
}

type Question = Pick<ExchangeRequest, 'method' | 'path' | 'headers' | 'body' | 'stream' | 'signal'>;

/**
 * The query nodes of a data source over HTTP: the first that answers is asked. Its errors are PluginErrors that name
 * the node, the cause and the fix.
 */
export class NodeClient {
  readonly #settings: Settings;
  readonly #observer: NodeObserver;
  readonly #now: () => number;
  readonly #candidates: Candidates;
  #underWay = 0;
  #closing = false;

  constructor({ settings, observer, now = () => performance.now() }: NodeClientOptions) {
    this.#settings = settings;
    this.#observer = observer;
    this.#now = now;
    this.#candidates = new Candidates(settings.urls, settings.tls, now);
  }

  /** Posts JSON. @throws PluginError also for any status of 400 or more. */
  async post(path: string, body: unknown, options: NodeRequestOptions): Promise<NodeResponse> {
    return await this.#ask('POST', path, Buffer.from(JSON.stringify(body)), options);
  }

  async get(path: string, options: NodeRequestOptions): Promise<NodeResponse> {
    return await this.#ask('GET', path, null, options);
  }

  async postJson(path: string, body: unknown, options: NodeRequestOptions): Promise<unknown> {
    const answer = await this.post(path, body, options);
    return parseJson(answer.url, answer.body);
  }

  async getJson(path: string, options: NodeRequestOptions): Promise<unknown> {
    const answer = await this.get(path, options);
    return parseJson(answer.url, answer.body);
  }

  /** How the node is that would be asked. @throws PluginError VERSION when it is too old. */
  async status(signal: AbortSignal): Promise<NodeStatus> {
    const answer = await this.get('/api/v1/status', { signal, timeoutMs: STATUS_MS });
    return parseStatus(answer.url, parseJson(answer.url, answer.body));
  }

  /**
   * Opens a stream of server-sent events; the caller reads its body or destroys it.
   * @param resume id of the last event seen; empty: from now on
   */
  async stream(path: string, resume: string, signal: AbortSignal): Promise<{ url: string; response: IncomingMessage }> {
    const question: Question = {
      method: 'GET',
      path,
      body: null,
      stream: true,
      headers: this.#headers({ accept: 'text/event-stream', ...(resume === '' ? {} : { 'last-event-id': resume }) }),
      signal,
    };
    return await this.#candidates.firstOf(async (target) => {
      const deadline = this.#now() + this.#settings.timeoutMs;
      const response = await this.#head(target, question, deadline);
      this.#underWay += 1;
      response.once('close', () => {
        this.#done();
      });
      return { url: target.url, response };
    });
  }

  /** Closes the connections once nothing is under way. */
  close(): void {
    this.#closing = true;
    if (this.#underWay === 0) this.#candidates.close();
  }

  async #ask(
    method: Question['method'],
    path: string,
    body: Buffer | null,
    { signal, accept = 'application/json', timeoutMs = this.#settings.timeoutMs }: NodeRequestOptions,
  ): Promise<NodeResponse> {
    const content = body === null ? {} : { 'content-type': 'application/json', 'content-length': String(body.length) };
    const headers = this.#headers({ accept, ...content });
    const question: Question = { method, path, body, stream: false, headers, signal };
    const begin = this.#now();
    const deadline = begin + timeoutMs + GRACE_MS;
    const observe = (outcome: string, bytes: number): void => {
      this.#observer.onRequest(path, outcome, (this.#now() - begin) / 1000, bytes);
    };
    this.#underWay += 1;
    try {
      const answer = await this.#candidates.firstOf((target) => this.#answer(target, question, deadline));
      observe('ok', answer.body.length);
      return answer;
    } catch (thrown) {
      const error = PluginError.from(thrown);
      observe(error.code, 0);
      throw error;
    } finally {
      this.#done();
    }
  }

  async #answer(target: Target, question: Question, deadline: number): Promise<NodeResponse> {
    const response = await this.#head(target, question, deadline);
    const { statusCode: status = 0, headers } = response;
    const body = await readBody(target.url, response, question.signal, this.#until(deadline), MAX_BYTES);
    return { url: target.url, status, headers, trailers: response.trailers, body };
  }

  /** The head of a good answer. @throws PluginError for any other */
  async #head(target: Target, question: Question, deadline: number): Promise<IncomingMessage> {
    const { url } = target;
    const response = await this.#open(target, question, deadline);
    const { statusCode: status = 0, headers } = response;
    const foreign = foreignHead(url, status, headers);
    if (foreign !== null) {
      response.destroy();
      throw foreign;
    }
    if (status < 400) return response;
    const body = await readBody(url, response, question.signal, this.#until(deadline), ERROR_BYTES);
    const error = errorAnswer(url, status, body);
    if (OLD_NODE.has(error.code) && question.path !== '/api/v1/status') await this.#refuseOld(target, question.signal);
    throw error;
  }

  async #open(target: Target, question: Question, deadline: number): Promise<IncomingMessage> {
    for (;;) {
      try {
        return await target.open({
          ...question,
          connectTimeoutMs: this.#settings.connectTimeoutMs,
          headTimeoutMs: this.#until(deadline),
        });
      } catch (thrown) {
        if (!(thrown instanceof StaleConnection)) throw thrown;
      }
    }
  }

  /** Tells a question that a node doesn't know yet from one that is wrong. @throws PluginError VERSION */
  async #refuseOld(target: Target, signal: AbortSignal): Promise<void> {
    const headers = this.#headers({ accept: 'application/json' });
    const question: Question = { method: 'GET', path: '/api/v1/status', body: null, stream: false, headers, signal };
    const { url, body } = await this.#answer(target, question, this.#now() + STATUS_MS);
    checkNode(url, parseJson(url, body));
  }

  #headers(more: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const { token } = this.#settings;
    return { ...more, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
  }

  #until(deadline: number): number {
    return Math.max(1, deadline - this.#now());
  }

  #done(): void {
    this.#underWay -= 1;
    if (this.#closing && this.#underWay === 0) this.#candidates.close();
  }
}
