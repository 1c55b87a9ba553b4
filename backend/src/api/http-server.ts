import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { RequestListener, Server, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { ArmorlakeError, hasErrno, messageOf } from '../core/index.js';

/** PEM files. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
}

/** For a whole request to arrive: a large import over a slow line takes a while. */
const REQUEST_MS = 30 * 60_000;
/** For its headers. */
const HEADERS_MS = 20_000;
/** Last-Event-ID says a number for each node: those of 5,000, with long names. */
const HEADER_BYTES = 5_000 * 64;
/** Connections at once, and of one address: nobody takes the others' places. */
const MAX_CONNECTIONS = 1024;
const MAX_OF_ADDRESS = 512;

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  /** Requests whose answers have not ended. */
  readonly pending: Set<ServerResponse>;
}

/** The server below the door: how long, how large and how many its connections may be. */
export class HttpConnections {
  /** By the other end, the oldest first; a TLS socket has the same as the one below it. */
  readonly #open = new Map<string, Connection>();
  readonly #onDropped: (address: string) => void;

  /** @param onDropped told of each connection that is closed because there are too many. */
  constructor(onDropped: (address: string) => void) {
    this.#onDropped = onDropped;
  }

  createServer(tls: ServerTls | null, handler: RequestListener): Server {
    const options = {
      maxHeaderSize: HEADER_BYTES,
      requestTimeout: REQUEST_MS,
      headersTimeout: HEADERS_MS,
      connectionsCheckingInterval: HEADERS_MS / 4,
    };
    const server =
      tls === null ? createHttpServer(options, handler) : createHttpsServer({ ...options, ...readTls(tls) }, handler);
    server.on('connection', (socket: Socket) => this.#connected(socket));
    server.on('request', ({ socket }, response) => {
      const pending = this.#open.get(endOf(socket))?.pending;
      pending?.add(response);
      response.once('close', () => pending?.delete(response));
    });
    return server;
  }

  /** Answers what is no request, in the shape of every error, and ends the connection: what follows can't be told apart. */
  answerBroken(thrown: Error, socket: Socket): void {
    // Into an answer that is under way, or before that of an earlier request, nothing may be written.
    const others = [...(this.#open.get(endOf(socket))?.pending ?? [])].some(
      ({ req, headersSent }) => headersSent || req.complete,
    );
    if (hasErrno(thrown, 'ECONNRESET') || !socket.writable || others) {
      socket.destroy();
      return;
    }
    const error = brokenRequest(thrown);
    const body = JSON.stringify({ error: error.toShape() });
    socket.end(
      `HTTP/1.1 ${error.status} Refused\r\ncontent-type: application/json; charset=utf-8\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
      () => socket.destroy(),
    );
  }

  #connected(socket: Socket): void {
    const address = socket.remoteAddress ?? '';
    const end = endOf(socket);
    this.#open.set(end, { socket, address, pending: new Set() });
    socket.once('close', () => this.#open.delete(end));
    const ofAddress = [...this.#open.values()].filter((each) => each.address === address);
    if (ofAddress.length > MAX_OF_ADDRESS) this.#makeRoom(ofAddress);
    else if (this.#open.size > MAX_CONNECTIONS) this.#makeRoom([...this.#open.values()]);
  }

  /** The oldest that asks nothing goes, the new one if all others do: who opens connections and waits shuts nobody out. */
  #makeRoom(among: readonly Connection[]): void {
    const idle = among.find(({ pending, socket }) => pending.size === 0 && !socket.destroyed);
    if (idle === undefined) return;
    this.#onDropped(idle.address);
    idle.socket.destroy();
  }
}

function endOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function brokenRequest(thrown: Error): ArmorlakeError {
  if (hasErrno(thrown, 'HPE_HEADER_OVERFLOW')) {
    return new ArmorlakeError('LIMIT_EXCEEDED', `The headers of the request have more than ${HEADER_BYTES} bytes.`);
  }
  if (hasErrno(thrown, 'ERR_HTTP_REQUEST_TIMEOUT')) {
    return new ArmorlakeError('DEADLINE', 'The request took too long to arrive.', {
      hint: `Its headers have ${HEADERS_MS / 1000} seconds, all of it ${REQUEST_MS / 60_000} minutes.`,
    });
  }
  return new ArmorlakeError('BAD_REQUEST', 'This is no HTTP request that can be understood.');
}

function readTls({ cert, key }: ServerTls): { cert: Buffer; key: Buffer } {
  try {
    return { cert: readFileSync(cert), key: readFileSync(key) };
  } catch (thrown) {
    throw new ArmorlakeError('BAD_CONFIG', `The listener's certificate can't be read: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}
