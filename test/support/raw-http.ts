import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Listens on a free port of loopback. */
export async function listen(app: FastifyInstance): Promise<number> {
  await app.listen({ host: '127.0.0.1', port: 0 });
  return (app.server.address() as AddressInfo).port;
}

/** A connection that keeps what comes, byte for byte. */
export class RawConnection {
  readonly socket: Socket;
  text = '';
  readonly closed: Promise<string>;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.setEncoding('latin1');
    this.socket.on('data', (piece: string) => (this.text += piece));
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => this.socket.once('close', () => resolve(this.text)));
  }

  /** Status lines of the answers so far. */
  get statuses(): number[] {
    return [...this.text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  }
}

/** Sends bytes on a connection of their own; all that comes until it is closed. */
export async function rawRequest(port: number, bytes: string): Promise<string> {
  const connection = new RawConnection(port);
  connection.socket.write(bytes, 'latin1');
  return await connection.closed;
}
