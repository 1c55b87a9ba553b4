import { readFile } from 'node:fs/promises';

/** What processes have taken in all, their ended children included. */
export interface ProcessUsage {
  readonly cpuSeconds: number;
  readonly rssBytes: number;
  /** Bytes they had written to disk, without what was deleted before it got there, as the files of answers are. */
  readonly writtenBytes: number;
}

export type ReadProcesses = (pids: readonly number[]) => Promise<ProcessUsage | null>;

/** Ticks of /proc a second: USER_HZ, the same on every platform that Node.js runs on. */
const TICKS_A_SECOND = 100;
/** Places of utime, stime, cutime and cstime after the command's name (proc_pid_stat(5) counts from 1, the name is 2). */
const TIME_PLACES = [11, 12, 13, 14] as const;

/** The sum over these processes, by /proc; null where that does not tell: on another system, or hidden from this user. */
export const readProcesses: ReadProcesses = async (pids) => {
  const each: ProcessUsage[] = [];
  for (const [index, pid] of pids.entries()) {
    try {
      each.push(await usageOf(pid));
    } catch {
      // Only the first one, this very process, is sure to be there: others may just have ended.
      if (index === 0) return null;
    }
  }
  const sum = (key: keyof ProcessUsage): number => each.reduce((total, usage) => total + usage[key], 0);
  return { cpuSeconds: sum('cpuSeconds'), rssBytes: sum('rssBytes'), writtenBytes: sum('writtenBytes') };
};

async function usageOf(pid: number): Promise<ProcessUsage> {
  const [stat, status, io] = await Promise.all(
    ['stat', 'status', 'io'].map((name) => readFile(`/proc/${pid}/${name}`, 'utf8')),
  );
  // The command's name may hold anything, spaces and parentheses too.
  const fields = (stat ?? '').slice((stat ?? '').lastIndexOf(')') + 2).split(' ');
  const ticks = TIME_PLACES.reduce((sum, place) => sum + Number(fields[place]), 0);
  return {
    cpuSeconds: ticks / TICKS_A_SECOND,
    rssBytes: numberOf(status, /^VmRSS:\s+(\d+) kB$/m) * 1024,
    writtenBytes: writtenOf(io ?? ''),
  };
}

/**
 * Of /proc/PID/io. The kernel counts a page when it is made dirty, and takes it back from whoever deletes the file before it
 * was written: that may be another one of our processes, so only the sum over all of them is a figure.
 */
export function writtenOf(io: string): number {
  return numberOf(io, /^write_bytes: (\d+)$/m) - numberOf(io, /^cancelled_write_bytes: (\d+)$/m);
}

function numberOf(text: string | undefined, pattern: RegExp): number {
  return Number(pattern.exec(text ?? '')?.[1] ?? 0);
}
