import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { ArmorlakeError } from '../core/index.js';
import { sendGreeting } from './greeting.js';
import { GENERATION_VARIABLE, SOCKET_VARIABLE } from './launch.js';
import { RpcServer } from './rpc-server.js';
import type { CallHandlers } from './types.js';

/** What the engine's entry opens at the `start` call. */
export interface EngineContent {
  readonly handlers: CallHandlers;
  /** Ends it cleanly: nothing is lost and the next start is quick. */
  close(): Promise<void>;
}

const PARENT_CHECK_MS = 500;

/**
 * Runs this process as an engine: connects to the API process that started it, opens its content when told to `start`,
 * and answers its calls until told to `stop`. It ends at once when the API process is gone.
 */
export async function runEngineProcess(open: (parameters: unknown) => Promise<EngineContent>): Promise<void> {
  const path = process.env[SOCKET_VARIABLE];
  if (path === undefined) {
    throw new ArmorlakeError('BAD_CONFIG', 'The database engine is started by the armorlake node, not by hand.', {
      hint: 'Run `armorlake node`.',
    });
  }
  // Signals to the whole group (Ctrl+C, systemd) are the node's business: it ends us cleanly.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) endNow();
  }, PARENT_CHECK_MS).unref();

  const generation = Number(process.env[GENERATION_VARIABLE] ?? 0);
  const control = await connectTo(path);
  const bulk = await connectTo(path);
  const basic: CallHandlers = { ping: () => Promise.resolve(null) };
  let opening = false;
  const server = new RpcServer(
    control,
    bulk,
    {
      ...basic,
      start: async (parameters) => {
        if (opening) throw new ArmorlakeError('CONFLICT', 'The engine has been started already.');
        opening = true;
        const content = await open(parameters);
        server.setHandlers({
          ...basic,
          ...content.handlers,
          stop: async () => {
            server.setHandlers(basic);
            await content.close();
            return null;
          },
        });
        return null;
      },
    },
    endNow,
  );
  sendGreeting(control, { channel: 'control', generation });
  sendGreeting(bulk, { channel: 'bulk', generation });
}

function connectTo(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Ends without waiting for queries in DuckDB's threads, which a plain exit would do; the WAL makes it safe. */
function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}
