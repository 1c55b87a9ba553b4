import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** What the stand-in does besides answering. */
export interface Behaviour {
  readonly version?: string;
  /** Its program is a script that runs it as a child, as packages have it. */
  readonly wrapped?: boolean;
  /** It ends with this code when it is asked for its dashboards. */
  readonly diesWith?: number;
}

const record = z.object({
  pid: z.number(),
  args: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  listening: z.object({ address: z.string(), port: z.number() }),
  /** Where the entries of its plugin folder lie. */
  plugins: z.record(z.string(), z.string()),
  /** What the node it is to ask answered. */
  ready: z.number(),
});

/** How a stand-in was started, and what it found. */
export type StandInRecord = z.infer<typeof record>;

const program = fileURLToPath(new URL('stand-in-grafana-program.ts', import.meta.url));
const tsx = createRequire(import.meta.url).resolve('tsx');

/** A folder as of an unpacked Grafana, whose program answers what the demo asks and writes down how it was started. */
export class StandInGrafana {
  readonly home: string;

  constructor(home: string, behaviour: Behaviour = {}) {
    this.home = home;
    for (const folder of ['bin', 'conf', 'public']) mkdirSync(join(home, folder), { recursive: true });
    writeFileSync(join(home, 'conf', 'defaults.ini'), '');
    writeFileSync(join(home, 'behaviour.json'), JSON.stringify(behaviour));
    writeFileSync(
      this.program,
      `#!/bin/sh\nexport TMPDIR="${home}"\n${behaviour.wrapped === true ? '' : 'exec '}"${process.execPath}" --import "${tsx}" "${program}" "$@"\n`,
    );
    chmodSync(this.program, 0o755);
  }

  get program(): string {
    return join(this.home, 'bin', 'grafana');
  }

  /** Whether it was asked for the data source's health. */
  get isRecorded(): boolean {
    return existsSync(join(this.home, 'record.json'));
  }

  get record(): StandInRecord {
    return record.parse(JSON.parse(readFileSync(join(this.home, 'record.json'), 'utf8')));
  }

  /** Whether it was ended by a signal it could hear. */
  get endedGracefully(): boolean {
    return existsSync(join(this.home, 'ended'));
  }
}
