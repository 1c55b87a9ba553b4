import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { ServerOptions } from 'node:https';

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** What a status answers that the plugin is content with. */
export const goodStatus = {
  node: 'edge-1',
  version: '0.1.0',
  ready: true,
  lake: { rows: { 'kubearmor.logs': 40, 'kubearmor.alerts': 2 } },
  network: null,
  warnings: [],
};

/** A complete answer of one node to any question. */
export const goodAnswer = {
  schema: [{ name: 'n', type: 'INTEGER' }],
  rows: [[1]],
  stats: { rows: 1, truncated: false, elapsedMs: 1, queryId: 'q' },
  coverage: {
    complete: true,
    expected: 1,
    asked: 1,
    answered: 1,
    failed: 0,
    pruned: 0,
    nodes: [{ name: 'edge-1', status: 'answered', code: null, message: null, rows: 1, bytes: 10, ms: 1 }],
    gaps: { nodes: 0, minutes: 0, worst: [] },
    retention: { nodesShort: 0, from: null },
  },
};

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(body));
}

/** An HTTP server that answers as it is told, by `METHOD /path`; status and query answer well unless told otherwise. */
export class FakeNode {
  readonly url: string;
  /** Requests so far, as `METHOD /path?query`. */
  readonly asked: string[] = [];
  /** Connections so far. */
  connections = 0;
  readonly answers = new Map<string, Answer>([
    ['GET /api/v1/status', (_, response) => sendJson(response, 200, goodStatus)],
    ['POST /api/v1/query', (_, response) => sendJson(response, 200, goodAnswer)],
  ]);
  readonly #server: Server;

  private constructor(server: Server, secure: boolean) {
    this.#server = server;
    this.url = `${secure ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on(secure ? 'secureConnection' : 'connection', () => (this.connections += 1));
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const key = `${request.method ?? ''} ${new URL(request.url ?? '', 'http://x').pathname}`;
      this.asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
      const answer = this.answers.get(key) ?? this.answers.get('*');
      if (answer !== undefined) answer(request, response);
      else sendJson(response, 404, { error: { code: 'NOT_FOUND', message: `There is no ${key}.` } });
    });
  }

  static async start(tls?: ServerOptions): Promise<FakeNode> {
    const server = tls === undefined ? createHttpServer() : createHttpsServer(tls);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new FakeNode(server, tls !== undefined);
  }

  get port(): string {
    return new URL(this.url).port;
  }

  /** Ends the connections that are open; new ones are taken. */
  disconnect(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
