import type { Command } from 'commander';
import type { NodeConfig } from '../config/index.js';
import type { Clock, Logger } from '../core/index.js';
import { Client } from './client.js';
import type { Io } from './io.js';

/** A node that runs in this process. */
export interface RunningNode {
  /** Where its HTTP listener answers, as `http://127.0.0.1:7470`. */
  readonly url: string;
  /** Flushes, checkpoints and ends its processes. */
  close(): Promise<void>;
}

export type NodeStarter = (config: NodeConfig, logger: Logger, signal: AbortSignal) => Promise<RunningNode>;

/** What commands get from the wiring. */
export interface CliContext {
  readonly io: Io;
  readonly clock: Clock;
  readonly startNode: NodeStarter;
  /** The armorlake launcher; the demo runs its processes with it. */
  readonly launcher: string;
  readonly version: string;
  /** Tells the process's exit code: 0 ok, 1 failure, 2 usage. */
  setExitCode(code: number): void;
}

/** Options of every command that talks to a node. */
export interface ClientOptions {
  readonly url: string;
  readonly token?: string;
}

/** Adds `--url` and `--token`. */
export function withClientOptions(command: Command, { environment }: Io): Command {
  return command
    .option(
      '--url <url>',
      "the node's address (or ARMORLAKE_URL)",
      environment.ARMORLAKE_URL ?? 'http://127.0.0.1:7470',
    )
    .option('--token <token>', 'its token (better: ARMORLAKE_TOKEN, which `ps` does not show)');
}

/** The client those options ask for. */
export function clientOf(options: ClientOptions, io: Io): Client {
  return new Client(options.url, options.token ?? io.environment.ARMORLAKE_TOKEN ?? null);
}
