import { accessSync, constants, existsSync, statSync, statfsSync } from 'node:fs';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { formatBytes, formatDuration } from '../../config/index.js';
import type { NodeConfig } from '../../config/index.js';
import type { Clock } from '../../core/index.js';
import { hasErrno, messageOf } from '../../core/index.js';
import type { Check } from './check.js';
import { fail, ok, warn } from './check.js';

/** Built before this, so a clock that says less is wrong. */
const EARLIEST_MS = Date.UTC(2025, 0, 1);
/** What the processes need besides DuckDB's own memory. */
const OVERHEAD_BYTES = 256 << 20;

/** Runtime, memory, disk and clock of this machine. */
export function machineChecks(config: NodeConfig, clock: Clock): readonly Check[] {
  return [runtimeCheck(), memoryCheck(config), diskCheck(config), clockCheck(config, clock)];
}

function runtimeCheck(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (process.arch !== 'x64' && process.arch !== 'arm64') {
    return fail(
      'runtime',
      `DuckDB is not built for ${process.platform}-${process.arch}`,
      'Use a 64-bit machine (x64 or arm64).',
    );
  }
  if (major < 20 || (major === 20 && minor < 19)) {
    return fail('runtime', `Node.js ${process.versions.node} is too old`, 'Install Node.js 20.19 or newer.');
  }
  const message = `Node.js ${process.versions.node} on ${process.platform}-${process.arch}`;
  return process.platform === 'linux'
    ? ok('runtime', message)
    : warn(
        'runtime',
        `${message}: the engine's memory can only be limited on Linux`,
        'Run nodes that others query on Linux.',
      );
}

function memoryCheck({ limits, profile }: NodeConfig): Check {
  const constrained = process.constrainedMemory();
  const have = constrained > 0 && constrained < totalmem() ? constrained : totalmem();
  const need = limits.engine.memoryBytes + limits.ingest.queueBytes + OVERHEAD_BYTES;
  const message = `${formatBytes(have)} of memory, about ${formatBytes(need)} needed at most (profile ${profile})`;
  return have >= need
    ? ok('memory', message)
    : warn('memory', message, 'Use --profile edge, or lower limits.engine.memory.');
}

function diskCheck({ data, retention }: NodeConfig): Check {
  let folder = data;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  try {
    accessSync(folder, constants.W_OK);
    if (!statSync(folder).isDirectory()) return fail('disk', `${folder} is no folder`, 'Name another one with --data.');
    const { bavail, bsize } = statfsSync(folder);
    const free = bavail * bsize;
    const message = `${formatBytes(free)} free for ${data}`;
    if (free < retention.freeBytes) {
      return fail(
        'disk',
        `${message}; ${formatBytes(retention.freeBytes)} are always left free, so nothing can be stored`,
        'Make room, name another folder with --data, or lower retention.free.',
      );
    }
    return free < retention.freeBytes * 2
      ? warn('disk', message, 'Make room soon: below retention.free nothing is stored.')
      : ok('disk', message);
  } catch (thrown) {
    const why = hasErrno(thrown, 'EACCES') ? 'it may not be written to' : messageOf(thrown);
    return fail('disk', `${folder} can't be used: ${why}`, 'Name another folder with --data, or change its owner.');
  }
}

function clockCheck({ data }: NodeConfig, clock: Clock): Check {
  const now = clock.wallMs();
  const text = new Date(now).toISOString();
  if (now < EARLIEST_MS) return fail('clock', `it says ${text}`, 'Set it (NTP); event times would all be wrong.');
  const file = join(data, 'lake.json');
  const newest = existsSync(file) ? statSync(file).mtimeMs : 0;
  return newest > now + 60_000
    ? warn(
        'clock',
        `it says ${text}, ${formatDuration(newest - now)} before the lake was last written`,
        'Check NTP: the clock went back.',
      )
    : ok('clock', text);
}
