import { createServer } from 'node:net';

/** The address on loopback with this port where it is free, with 0 (any) otherwise. */
export async function loopback(port: number): Promise<string> {
  return `127.0.0.1:${(await listening(port)) === undefined ? 0 : port}`;
}

/** This port of loopback where it is free, any free one otherwise: for a program that has to be told one. */
export async function freePort(preferred: number): Promise<number> {
  return (await listening(preferred)) ?? (await listening(0)) ?? preferred;
}

/** The port that was listened at for a moment; undefined where it is taken. */
function listening(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(undefined);
    });
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : undefined);
      });
    });
  });
}
