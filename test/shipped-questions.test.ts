import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { recipes } from '../plugin/shared/index.js';

const root = fileURLToPath(new URL('../', import.meta.url));

/** Questions of what a node shows at all, not of what was done: without an alert its logs stop there. */
const ofVisibility: Readonly<Record<string, number>> = {
  'provisioning/alerting/armorlake-first-seen.yaml': 1,
  'provisioning/dashboards/json/armorlake-health.json': 1,
  'provisioning/dashboards/json/armorlake-indicator-hunt.json': 2,
};

function filesIn(folder: string, form: RegExp): readonly string[] {
  return readdirSync(`${root}${folder}`)
    .filter((name) => form.test(name))
    .map((name) => `${folder}/${name}`);
}

/** What a policy matched is an alert and no log: from logs alone the answer is the wrong way round. */
it('no shipped question of what was done reads logs alone', () => {
  const files = [
    'README.md',
    ...filesIn('docs', /\.md$/),
    ...filesIn('provisioning/alerting', /\.yaml$/),
    ...filesIn('provisioning/dashboards/json', /\.json$/),
  ];
  expect(files.length).toBeGreaterThan(20);
  const asked = files.flatMap((file) => {
    const questions = readFileSync(`${root}${file}`, 'utf8').match(/FROM kubearmor\.logs/g) ?? [];
    return questions.length === (ofVisibility[file] ?? 0) ? [] : [`${file}: ${questions.length}`];
  });
  expect(asked).toEqual([]);
  const told = recipes.filter(
    ({ query }) => query.builder?.table === 'kubearmor.logs' || query.sql?.includes('kubearmor.logs'),
  );
  expect(told).toEqual([]);
});

it('and those of executions say that they happened', () => {
  const executions = recipes.filter(({ id }) => ['has-this-run', 'new-binaries', 'sessions', 'egress'].includes(id));
  expect(executions).toHaveLength(4);
  for (const { query } of executions) {
    const said = query.sql ?? JSON.stringify(query.builder?.filters);
    expect(said).toMatch(/outcome.*happened/s);
  }
  expect(readFileSync(`${root}docs/query.md`, 'utf8')).toMatch(
    /FROM kubearmor\.events\nWHERE operation = 'Process' .* AND outcome = 'happened'/,
  );
});

/** KubeArmor tells ptrace as operation Process, too: no program was started by it. */
it('no shipped question takes the tracing of a process for its execution', () => {
  const files = [...filesIn('docs', /^query\.md$/), ...filesIn('provisioning/alerting', /\.yaml$/)];
  const questions = [
    ...files.map((file) => [file, readFileSync(`${root}${file}`, 'utf8')] as const),
    ...recipes.map(({ id, query }) => [id, query.sql ?? ''] as const),
  ];
  const untold = questions.flatMap(([name, text]) => {
    const executions = text.match(/operation = 'Process'(?! AND syscall|` with `syscall)/g) ?? [];
    return executions.length === 0 ? [] : [`${name}: ${executions.length}`];
  });
  expect(untold).toEqual([]);
  const built = recipes.filter(({ query }) => JSON.stringify(query.builder?.filters ?? []).includes('"Process"'));
  expect(built.map(({ id }) => id)).toEqual(['has-this-run', 'shells']);
  for (const { query } of built) expect(JSON.stringify(query.builder?.filters)).toContain('SYS_PTRACE');
});
