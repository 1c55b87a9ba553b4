import { randomBytes } from 'node:crypto';
import { Redactor } from '../backend/src/connectors/index.js';
import { measureRedaction } from '../test/support/redaction-corpus.js';
import type { Bench, Figure } from './bench.js';
import { leastCpuMicros } from './bench.js';

const TIMES = 7;

const java =
  '/usr/lib/jvm/java-17/bin/java -Xms512m -Xmx2g -XX:+UseG1GC -Dlog4j.configuration=file:/etc/app/log4j.properties ' +
  '-Dserver.port=8080 -cp /opt/app/lib/app.jar:/opt/app/lib/guava-31.jar:/opt/app/lib/netty.jar org.example.Main ' +
  '--config /etc/app/config.yaml --verbose --threads 16 --cache /var/cache/app --log /var/log/app/app.log --region eu';

const lines: readonly (readonly [what: string, line: string, count: number])[] = [
  ['ordinary line, 60 characters', '/usr/bin/python3 /app/server.py --workers 4 --bind 0.0.0.0', 20_000],
  ['ordinary line, 300 characters', java.slice(0, 296), 20_000],
  ['ordinary line, 4,096 characters', java.repeat(14).slice(0, 4090), 2000],
  ['a tool that takes secrets, none in it', '/usr/bin/curl -sSL -o /tmp/x https://example.com/a.tgz', 20_000],
  ['line with a secret', 'curl -H "X-Api-Key: abcdef0123456789abcdef" https://api.example/v1', 20_000],
];

/** What redaction finds, keeps and changes, in totals, and what it costs a text. */
async function run(): Promise<readonly Figure[]> {
  const figures: Figure[] = [];
  for (const name of ['heldout-secrets', 'heldout-secrets-2', 'second-secrets', 'known-secrets'] as const) {
    const { lines: all, found, keeps, kept } = measureRedaction(name);
    figures.push({
      what: `redaction: ${name}, lines without a secret left`,
      value: (100 * found) / all,
      unit: '%',
      note: `${found} of ${all}; kept ${kept} of ${keeps} texts beside them`,
      ...(name === 'heldout-secrets' ? { bar: { atLeast: 95 } } : {}),
    });
  }
  for (const name of ['heldout-harmless', 'second-harmless', 'known-harmless'] as const) {
    const { lines: all, changed } = measureRedaction(name);
    figures.push({
      what: `redaction: ${name}, lines changed`,
      value: (100 * changed) / all,
      unit: '%',
      bar: { atMost: 2 },
      note: `${changed} of ${all}`,
    });
  }
  for (const [what, line, count] of lines)
    figures.push({ what: `redaction: ${what}`, value: await cost(line, count), unit: 'µs/text' });
  return figures;
}

/** µs of CPU a text, none of which was seen before. */
async function cost(line: string, count: number): Promise<number> {
  let number = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < TIMES; time++) {
    const redactor = new Redactor(randomBytes(32));
    const texts = Array.from({ length: count }, () => Buffer.from(`${line} ${number++}`).toString('latin1'));
    least = Math.min(
      least,
      await leastCpuMicros(1, () => {
        for (const text of texts) redactor.redact(text);
      }),
    );
  }
  return least / count;
}

export const redactionBench: Bench = {
  name: 'redaction',
  what: 'secrets found and harmless lines changed, in totals, and what redaction costs a text',
  run,
};
