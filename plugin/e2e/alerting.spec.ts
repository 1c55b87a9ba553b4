import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';
import { grafanaUrl, uids, whySkipped } from './support/environment.js';
import { expect, test, whileFrozen } from './support/test.js';

test.skip(grafanaUrl === undefined, whySkipped);

/** Grafana evaluates each 10 s at most; the states follow a little later. */
const EVALUATED_MS = 240_000;
const title = 'Web server started a shell';
const group = 'armorlake';

/** The rules of the page on alerting, as its readers provision them. */
function documentedRules(): Readonly<Record<string, unknown>>[] {
  const page = readFileSync(new URL('../../docs/alerting.md', import.meta.url), 'utf8');
  const [, block = ''] = /```yaml\n# provisioning\/alerting[^\n]*\n([\s\S]*?)```/.exec(page) ?? [];
  const file = parseAllDocuments(block)[0]?.toJS() as {
    readonly groups: readonly { readonly rules: readonly Readonly<Record<string, unknown>>[] }[];
  };
  const text = JSON.stringify(file.groups.flatMap(({ rules }) => rules));
  return JSON.parse(text.replaceAll('"armorlake"', JSON.stringify(uids.dataSource))) as Readonly<
    Record<string, unknown>
  >[];
}

test.describe.configure({ mode: 'serial' });

test('an alert rule goes to Alerting, one instance a workload', async ({ grafana, page, keep }) => {
  await grafana.saveRules(group, documentedRules());
  await expect.poll(async () => (await grafana.rule(title))?.state, { timeout: EVALUATED_MS }).toBe('firing');
  const rule = await grafana.rule(title);
  expect(rule?.health).toBe('ok');
  expect(rule?.alerts?.[0]?.labels).toMatchObject({ namespace: 'shop', workload: 'wordpress' });
  await page.goto(`/alerting/grafana/${String((await grafana.rule(title))?.uid)}/view`);
  await expect(page.getByText('wordpress').first()).toBeVisible();
  await keep('alert-firing');
});

test('it goes to Error, naming the node, when too few nodes answer, and comes back', async ({
  grafana,
  stage,
  page,
  keep,
}) => {
  const [, , edge] = stage.edges;
  if (edge === undefined) throw new Error('There is no third edge.');
  await whileFrozen(edge, async () => {
    await expect.poll(async () => (await grafana.rule(title))?.health, { timeout: EVALUATED_MS }).toBe('error');
    expect((await grafana.rule(title))?.lastError).toMatch(/edge-3/);
    await page.goto(`/alerting/grafana/${String((await grafana.rule(title))?.uid)}/view`);
    await expect(page.getByText(/edge-3/).first()).toBeVisible();
    await keep('alert-error');
  });
  await expect.poll(async () => (await grafana.rule(title))?.health, { timeout: EVALUATED_MS }).toBe('ok');
  await grafana.removeRules(group);
});
