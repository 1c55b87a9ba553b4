import { createServer } from 'node:net';

/** The address on loopback with this port where it is free, with 0 (any) otherwise. */
export function loopback(port: number): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve('127.0.0.1:0');
    });
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.close(() => {
        resolve(`127.0.0.1:${port}`);
      });
    });
  });
}
