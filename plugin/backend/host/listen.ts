import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Server } from '@grpc/grpc-js';
import { ServerCredentials } from '@grpc/grpc-js';
import { messageOf } from '../errors.js';
import type { HostEnvironment } from './handshake.js';
import type { Logger } from './log.js';

/** Where the server listens. `remove` takes a socket's file away. */
export interface Listening {
  readonly network: 'unix' | 'tcp';
  readonly address: string;
  remove(): void;
}

/** Binds the server to a Unix socket of its own, or to a port of loopback where there can't be one. */
export async function listen(server: Server, environment: HostEnvironment, logger: Logger): Promise<Listening> {
  const path = join(environment.socketDir ?? tmpdir(), `plugin${randomBytes(8).toString('hex')}`);
  try {
    await bind(server, `unix:${path}`);
    admit(path, environment.socketGroup);
    return { network: 'unix', address: path, remove: () => rmSync(path, { force: true }) };
  } catch (thrown) {
    logger.log('warn', 'No Unix socket can be made; a port of 127.0.0.1 is used instead.', {
      path,
      error: messageOf(thrown),
    });
  }
  const port = await bind(server, '127.0.0.1:0');
  return { network: 'tcp', address: `127.0.0.1:${port}`, remove: () => undefined };
}

function bind(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
      if (error === null) resolve(port);
      else reject(error);
    });
  });
}

/** Only the owner may connect, and the group when one is named. */
function admit(path: string, group: string | null): void {
  if (group === null) {
    chmodSync(path, 0o600);
    return;
  }
  chownSync(path, process.getuid?.() ?? -1, groupId(group));
  chmodSync(path, 0o660);
}

function groupId(group: string): number {
  if (/^\d+$/.test(group)) return Number(group);
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`${group}:`));
  const id = line?.split(':')[2];
  if (id === undefined) throw new Error(`There is no group ${group}.`);
  return Number(id);
}
