import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Proxy } from './network.js';

/** Frames that overtake each other would be messages that do, which no connection does to the nodes it carries. */
describe('the relay of the tests', () => {
  it('keeps the order of bytes both ways, whatever its delay becomes', async () => {
    const server = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = await Proxy.start({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
    const client = connect(proxy.target.port, proxy.target.host);
    client.setNoDelay();
    let sent = '';
    let heard = '';
    client.on('data', (bytes) => (heard += bytes.toString()));
    for (const [index, delayMs] of [60, 0, 20, 3, 60, 3, 0, 0].entries()) {
      proxy.delayMs = delayMs;
      const piece = `piece ${index};`;
      client.write(piece);
      sent += piece;
      // Long enough for the piece to be taken in, short enough to be overtaken if that could be.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await expect.poll(() => heard.length).toBe(sent.length);
    expect(heard).toBe(sent);
    client.destroy();
    proxy.close();
    await new Promise((resolve) => server.close(resolve));
  });
});
