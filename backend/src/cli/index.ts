import { Command, CommanderError } from 'commander';
import { ArmorlakeError } from '../core/index.js';
import type { CliContext } from './context.js';
import { errorText } from './text.js';

export type { NodeStarter, RunningNode } from './context.js';
export type { Io } from './io.js';
export { processIo } from './io.js';

const help = `
First steps:
  armorlake demo                                        see it work
  armorlake node --kubearmor 127.0.0.1:32767            run a node beside a KubeArmor
  armorlake query "SELECT count(*) FROM kubearmor.logs" ask it

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.`;

/** Runs one command line (without node and script); resolves with its exit code, never rejects. */
export async function runCli(args: readonly string[], parts: Omit<CliContext, 'setExitCode'>): Promise<number> {
  let exitCode = 0;
  const context: CliContext = {
    ...parts,
    setExitCode: (code) => {
      exitCode = code;
    },
  };
  try {
    await (await program(context, args[0])).parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    const error = ArmorlakeError.from(thrown);
    parts.io.err(errorText(error));
    return error.code === 'BAD_CONFIG' || error.code === 'BAD_REQUEST' ? 2 : 1;
  }
}

type CreateCommand = (context: CliContext) => Command;

/** The commands, each loaded when it is asked for: a query needs no gRPC, and starts at once. */
const commands: Readonly<Record<string, () => Promise<CreateCommand>>> = {
  node: async () => (await import('./node.js')).nodeCommand,
  query: async () => (await import('./query.js')).queryCommand,
  status: async () => (await import('./status.js')).statusCommand,
  tail: async () => (await import('./tail.js')).tailCommand,
  logs: async () => (await import('./logs.js')).logsCommand,
  import: async () => (await import('./import.js')).importCommand,
  token: async () => (await import('./token.js')).tokenCommand,
  cert: async () => (await import('./cert.js')).certCommand,
  forget: async () => (await import('./forget.js')).forgetCommand,
  doctor: async () => (await import('./doctor.js')).doctorCommand,
  simulate: async () => (await import('./simulate.js')).simulateCommand,
  demo: async () => (await import('./demo.js')).demoCommand,
};

/** The program with the command named, or with all of them where none is: for help and suggestions. */
async function program(context: CliContext, name: string | undefined): Promise<Command> {
  const root = new Command('armorlake')
    .description('KubeArmor events in DuckDB, on the node where they happened, answered by SQL')
    .version(context.version)
    .addHelpText('after', help);
  const named = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  const loading = named === undefined ? Object.values(commands) : [named];
  for (const load of loading) root.addCommand((await load())(context));
  prepare(root, context);
  return root;
}

/** Output through the terminal given, no exit of its own, and a suggestion with each usage error. */
function prepare(command: Command, context: CliContext): void {
  const { io } = context;
  command
    .exitOverride()
    .showSuggestionAfterError()
    .showHelpAfterError(`(${nameOf(command)} --help shows how it is used)`)
    .configureOutput({
      writeOut: (text) => void io.out(text),
      writeErr: (text) => {
        io.err(text);
      },
      outputError: (text, write) => {
        write(text.replace(/^error: /, 'armorlake: '));
      },
      getOutHelpWidth: () => io.columns,
      getErrHelpWidth: () => io.columns,
    });
  for (const each of command.commands) prepare(each, context);
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}
