import type { Command } from 'commander';
import { Option } from 'commander';
import type { Io } from './io.js';

/** Adds `--until-stdin-ends`, with which a supervising process ends its child however it ends itself. */
export function withEndOption(command: Command): Command {
  return command.addOption(
    new Option('--until-stdin-ends', 'end when stdin does, for a process that runs this one').hideHelp(),
  );
}

/** When a command that runs on has to stop. */
export interface End {
  readonly signal: AbortSignal;
  readonly reached: Promise<undefined>;
  close(): void;
}

/** The end of a command that runs on: a signal, or the end of stdin where that was asked for. */
export function untilEnd(io: Io, stdinEnds: boolean): End {
  const controller = new AbortController();
  const stop = (): void => {
    controller.abort();
  };
  if (io.signal.aborted) stop();
  io.signal.addEventListener('abort', stop, { once: true });
  if (stdinEnds) io.input.once('end', stop).once('error', stop).resume();
  return {
    signal: controller.signal,
    reached: aborted(controller.signal),
    close: () => {
      io.signal.removeEventListener('abort', stop);
      // A paused pipe no longer keeps the process alive.
      if (stdinEnds) io.input.destroy();
    },
  };
}

/** Resolves when the signal is aborted. */
function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve(undefined);
        },
        { once: true },
      );
  });
}
