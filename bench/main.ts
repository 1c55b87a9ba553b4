import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Bench, Figure } from './bench.js';
import { keepsBar } from './bench.js';
import { dashboardsBench } from './dashboards.js';
import { diskBench } from './disk.js';
import { edgeBench } from './edge.js';
import { federationBench } from './federation.js';
import { ingestBench } from './ingest.js';
import { pluginBench } from './plugin.js';
import { queriesBench } from './queries.js';
import { redactionBench } from './redaction.js';
import { stagesBench } from './stages.js';
import { steadyBench } from './steady.js';
import { table } from './table.js';

const benches: readonly Bench[] = [
  ingestBench,
  stagesBench,
  steadyBench,
  queriesBench,
  diskBench,
  edgeBench,
  federationBench,
  pluginBench,
  dashboardsBench,
  redactionBench,
];

const usage = `npm run bench -- [NAME…] [--json FILE] [--seconds N] [--events N]

${benches.map(({ name, what }) => `  ${name.padEnd(11)}${what}`).join('\n')}

  --json FILE   also writes the figures there
  --seconds N   how long phases at a steady rate last (60)
  --events N    events of the lake that queries and disk are measured on (1,000,000)
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    events: { type: 'string', default: '1000000' },
    help: { type: 'boolean', short: 'h' },
  },
});

const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
if (values.help === true || unknown.length > 0) {
  process.stderr.write(unknown.length > 0 ? `There is no bench ${unknown.join(', ')}.\n\n${usage}` : usage);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const [seconds, events] = [Number(values.seconds), Number(values.events)];
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'CPU'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
const measured: Record<string, readonly Figure[]> = {};
for (const bench of benches) {
  if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
  const folder = mkdtempSync(join(tmpdir(), 'armorlake-bench-'));
  try {
    const say = (sentence: string): void => void process.stderr.write(`${bench.name}: ${sentence}\n`);
    measured[bench.name] = await bench.run({ seconds, events, folder, say });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.stdout.write(
  `${new Date().toISOString().slice(0, 10)}, ${machine}\n\n${table(Object.values(measured).flat())}\n`,
);
if (values.json !== undefined) {
  writeFileSync(
    values.json,
    `${JSON.stringify({ at: new Date().toISOString(), machine, seconds, events, measured }, null, 2)}\n`,
  );
}
const missed = Object.values(measured)
  .flat()
  .filter((figure) => !keepsBar(figure));
if (missed.length > 0) process.stderr.write(`\nNot within the bar: ${missed.map(({ what }) => what).join('; ')}\n`);
