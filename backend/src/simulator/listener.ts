import { readFile } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { ServerMethod } from '@armorlake/proto';
import { addMethods } from '@armorlake/proto';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ArmorlakeError, messageOf } from '../core/index.js';
import type { SimulatorTls } from './options.js';

const WINDOW = 16 << 20;

/** A gRPC server whose TCP connections are ours, so that they can be destroyed like a network that fails. */
export interface Listener {
  readonly host: string;
  readonly port: number;
  /** Sends an RST on every connection. */
  resetConnections(): void;
  /** Lets nobody connect any more, until `open` … */
  shut(): void;
  /** … on the same port. Rejects when somebody else has taken it. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/** @throws ArmorlakeError BAD_CONFIG when the address or a TLS file is no good */
export async function listen(
  address: string,
  tls: SimulatorTls | undefined,
  methods: readonly ServerMethod[],
): Promise<Listener> {
  const { host, port } = parseAddress(address);
  const server = new Server({ 'grpc-node.flow_control_window': WINDOW });
  addMethods(server, methods);
  const injector = server.createConnectionInjector(await credentialsOf(tls));
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A client that goes away is its own business.
    socket.on('error', () => undefined);
    injector.injectConnection(socket);
  });
  const listenOn = (wanted: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(
          new ArmorlakeError('BAD_CONFIG', `The simulator can't listen on ${address}: ${error.message}.`, {
            hint: 'Give another --listen HOST:PORT; port 0 takes a free one.',
            cause: error,
          }),
        );
      };
      listener.once('error', fail);
      listener.listen(wanted, host, () => {
        listener.off('error', fail);
        resolve();
      });
    });
  await listenOn(port);
  const taken = portOf(listener.address());
  return {
    host,
    port: taken,
    resetConnections: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    shut: () => {
      listener.close();
    },
    open: () => listenOn(taken),
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        // It may be shut already, which is as good.
        listener.close(() => {
          resolve();
        });
      });
      server.forceShutdown();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function parseAddress(address: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535) {
    throw new ArmorlakeError('BAD_CONFIG', `"${address}" is no address to listen on.`, {
      hint: 'Write HOST:PORT, as 127.0.0.1:32767 or [::1]:32767.',
    });
  }
  return { host, port };
}

async function credentialsOf(tls: SimulatorTls | undefined): Promise<ServerCredentials> {
  if (tls === undefined) return ServerCredentials.createInsecure();
  try {
    const [ca, cert, key] = await Promise.all([tls.caFile, tls.certFile, tls.keyFile].map((file) => readFile(file)));
    if (ca === undefined || cert === undefined || key === undefined) throw new Error('a file is missing');
    return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], true);
  } catch (error) {
    throw new ArmorlakeError('BAD_CONFIG', `The simulator's TLS files can't be used: ${messageOf(error)}.`, {
      hint: 'Give the CA, the certificate and its key as PEM files.',
      cause: error,
    });
  }
}
