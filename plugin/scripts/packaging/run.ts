import { spawn } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  /** More of the environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A code other than 0 is an answer, too; all it said is given then. */
  readonly mayFail?: boolean;
}

/** Runs a command and gives what it says on stdout; all it said is told when it fails. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...options.environment },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    const [out, all]: [Buffer[], Buffer[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => {
      out.push(chunk);
      all.push(chunk);
    });
    child.stderr.on('data', (chunk: Buffer) => all.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (options.mayFail === true) resolve(Buffer.concat(all).toString());
      else if (code === 0) resolve(Buffer.concat(out).toString());
      else reject(new Error(`${command} ${args.join(' ')} failed:\n${Buffer.concat(all).toString()}`));
    });
  });
}
