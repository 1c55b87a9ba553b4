import type { AgentOptions, IncomingMessage } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { PluginError } from '../errors.js';
import type { TlsSettings } from '../settings.js';
import { answerTimeout, connectTimeout, connectionError } from './failures.js';

/** Connections kept to one node. */
const MAX_SOCKETS = 64;

export interface ExchangeRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  /** The answer goes on until somebody leaves. */
  readonly stream: boolean;
  readonly signal: AbortSignal;
  readonly connectTimeoutMs: number;
  /** Until the head is there; null: for ever. */
  readonly headTimeoutMs: number | null;
}

/** A connection that was kept had been closed by the node meanwhile: nothing was asked. */
export class StaleConnection extends Error {}

/** One node's address and the connections kept to it. */
export class Target {
  readonly url: string;
  readonly #agent: HttpAgent | HttpsAgent;
  /** Streams hold their connections: questions must not wait for these. */
  readonly #streamAgent: HttpAgent | HttpsAgent;
  readonly #secure: boolean;

  constructor(url: string, tls: TlsSettings) {
    this.url = url;
    this.#secure = url.startsWith('https:');
    const secure = {
      rejectUnauthorized: !tls.skipVerify,
      ...(tls.ca === null ? {} : { ca: tls.ca }),
      ...tls.client,
      ...(tls.serverName === null ? {} : { servername: tls.serverName }),
    };
    const agent = (common: AgentOptions): HttpAgent | HttpsAgent =>
      this.#secure ? new HttpsAgent({ ...common, ...secure }) : new HttpAgent(common);
    this.#agent = agent({ keepAlive: true, maxSockets: MAX_SOCKETS });
    this.#streamAgent = agent({});
  }

  /**
   * Sends a request; resolves with the response's head, whose body is still to be read. Aborting ends both.
   * @throws StaleConnection; PluginError NETWORK, TLS, NOT_ARMORLAKE (no HTTP), DEADLINE, CANCELLED.
   */
  open(request: ExchangeRequest): Promise<IncomingMessage> {
    const { method, path, headers, body, stream, signal, connectTimeoutMs, headTimeoutMs } = request;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(cancelled());
      const send = this.#secure ? httpsRequest : httpRequest;
      const call = send(`${this.url}${path}`, { agent: stream ? this.#streamAgent : this.#agent, method, headers });
      let connectTimer: NodeJS.Timeout | undefined;
      const headTimer =
        headTimeoutMs === null
          ? undefined
          : setTimeout(() => call.destroy(answerTimeout(this.url, headTimeoutMs)), headTimeoutMs);
      const onAbort = (): void => {
        call.destroy(cancelled());
      };
      const settled = (): void => {
        clearTimeout(connectTimer);
        clearTimeout(headTimer);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      call.once('close', () => {
        signal.removeEventListener('abort', onAbort);
      });
      call.once('socket', (socket) => {
        if (!socket.connecting) return;
        connectTimer = setTimeout(() => call.destroy(connectTimeout(this.url, connectTimeoutMs)), connectTimeoutMs);
        socket.once(this.#secure ? 'secureConnect' : 'connect', () => {
          clearTimeout(connectTimer);
        });
      });
      call.once('response', (response) => {
        settled();
        resolve(response);
      });
      call.on('error', (thrown) => {
        settled();
        const broken = 'code' in thrown && (thrown.code === 'ECONNRESET' || thrown.code === 'EPIPE');
        if (signal.aborted) reject(cancelled());
        else if (broken && call.reusedSocket) reject(new StaleConnection());
        else reject(connectionError(this.url, thrown));
      });
      call.end(body ?? undefined);
    });
  }

  /** Closes the connections kept; one in use is closed too. */
  close(): void {
    this.#agent.destroy();
    this.#streamAgent.destroy();
  }
}

/**
 * The whole body of a response. @param ms until it must be there
 * @throws PluginError NETWORK when it breaks off, LIMIT_EXCEEDED, DEADLINE, CANCELLED.
 */
export function readBody(
  url: string,
  response: IncomingMessage,
  signal: AbortSignal,
  ms: number,
  maxBytes: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const fail = (error: PluginError): void => {
      clearTimeout(timer);
      response.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(answerTimeout(url, ms)), ms);
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) fail(tooLong(url, maxBytes));
      else chunks.push(chunk);
    });
    response.once('end', () => {
      clearTimeout(timer);
      const [only] = chunks;
      resolve(chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, bytes));
    });
    const onBreak = (): void => {
      fail(signal.aborted ? cancelled() : brokenOff(url));
    };
    response.once('error', onBreak);
    response.once('aborted', onBreak);
  });
}

export function cancelled(): PluginError {
  return new PluginError('CANCELLED', 'The request was cancelled.');
}

function brokenOff(url: string): PluginError {
  return new PluginError('NETWORK', `${new URL(url).host} broke off its answer.`, {
    hint: 'It may have been stopped, or the connection was cut; ask again.',
  });
}

function tooLong(url: string, maxBytes: number): PluginError {
  return new PluginError('LIMIT_EXCEEDED', `${new URL(url).host} answers more than ${maxBytes >> 20} MiB.`, {
    hint: 'Ask for fewer rows or columns.',
  });
}
