import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configKeys, formatBytes, formatDuration, profileLimits } from '../backend/src/config/index.js';
import { ERROR_STATUS } from '../backend/src/core/index.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

/** The cells of each table row that begins with a code span. */
function tableRows(markdown: string): readonly (readonly string[])[] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe('docs/configure.md', () => {
  const [node = ''] = read('docs/configure.md').split('\n## The Grafana data source');
  const rows = tableRows(node);
  const leaves = configKeys.filter((key) => !configKeys.some((other) => other.path.startsWith(`${key.path}.`)));

  it('describes every key of the schema with its variable, and no other', () => {
    const documented = rows.filter((row) => row.length === 4).map((row) => [row[0], row[1]]);
    const expected = leaves.map((key) => [`\`${key.path}\``, key.env === null ? 'file only' : `\`${key.env}\``]);
    expect(documented).toEqual(expected);
  });

  it('gives the limits of each profile', () => {
    const documented = Object.fromEntries(rows.filter((row) => row.length === 3).map((row) => [row[0], row.slice(1)]));
    const edge = profileLimits('edge');
    const server = profileLimits('server');
    const bytes = (pick: (limits: typeof edge) => number): readonly string[] =>
      [edge, server].map(pick).map(formatBytes);
    const times = (pick: (limits: typeof edge) => number): readonly string[] =>
      [edge, server].map(pick).map(formatDuration);
    const counts = (pick: (limits: typeof edge) => number): readonly string[] => [edge, server].map(pick).map(String);
    expect(documented).toEqual({
      '`limits.ingest.logsCommit`': times((each) => each.ingest.logsCommitMs),
      '`limits.ingest.alertsCommit`': times((each) => each.ingest.alertsCommitMs),
      '`limits.ingest.queue`': bytes((each) => each.ingest.queueBytes),
      '`limits.ingest.body`': bytes((each) => each.ingest.bodyBytes),
      '`limits.engine.memory`': [formatBytes(edge.engine.memoryBytes), "1 GiB, at most a quarter of the machine's"],
      '`limits.engine.data`': bytes((each) => each.engine.dataBytes - each.engine.memoryBytes).map(
        (size) => `${size} more than \`memory\``,
      ),
      '`limits.engine.threads`': [String(edge.engine.threads), 'one a core'],
      '`limits.engine.spill`': bytes((each) => each.engine.spillBytes),
      '`limits.engine.checkpoint`': bytes((each) => each.engine.checkpointBytes),
      '`limits.engine.maintain`': times((each) => each.engine.maintainMs),
      '`limits.query.concurrency`': [String(edge.query.concurrency), 'one a core, at least 4'],
      '`limits.query.waiting`': counts((each) => each.query.waiting),
    });
  });
});

describe('docs/errors.md', () => {
  it('describes every code with its status, and no other', () => {
    const documented = tableRows(read('docs/errors.md')).map((row) => [row[0]?.replaceAll('`', ''), Number(row[1])]);
    expect(Object.fromEntries(documented)).toEqual(ERROR_STATUS);
  });
});

describe('links', () => {
  const files = [
    'README.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    ...readdirSync(`${root}docs`).map((name) => `docs/${name}`),
  ];

  it.each(files.filter((file) => file.endsWith('.md')))('of %s lead to files that are there', (file) => {
    const targets = [...read(file).matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1] ?? '');
    const base = new URL(file, `file://${root}`);
    for (const target of targets) expect(() => readFileSync(new URL(target, base)), target).not.toThrow();
  });
});
