import type { Locator, Page } from '@playwright/test';
import { linkDashboards } from '../shared/index.js';
import { testIds } from '../src/testIds.js';
import { grafanaUrl, uids, whySkipped } from './support/environment.js';
import { explore } from './support/explore.js';
import { built } from './support/queries.js';
import { expect, test } from './support/test.js';

test.skip(grafanaUrl === undefined, whySkipped);

/** Grafana's older and newer list of logs. */
function lines(page: Page): Locator {
  return page.getByTestId('logRows').getByRole('row').or(page.locator('.logs-row, [data-testid="log-row-message"]'));
}

const shells = built('logs', {
  filters: [{ column: 'policy', operator: 'is', values: ['ksp-web-server-spawns-shell'] }],
});

test('logs, their volume, and filters by a click', async ({ page, selectors, keep }) => {
  await explore(page, built('logs', {}));
  const { title } = selectors.components.Panels.Panel;
  const volume = page.getByTestId(title('Logs volume'));
  await expect(volume.locator('canvas').first()).toBeVisible();
  for (const level of ['critical', 'error', 'warning']) await expect(volume).toContainText(level);
  await expect(page.getByTestId(testIds.editor.footer)).toContainText(/3\/3 nodes/);
  const shell = lines(page).filter({ hasText: 'ksp-web-server-spawns-shell' }).first();
  await shell.scrollIntoViewIfNeeded();
  await volume.scrollIntoViewIfNeeded();
  await keep('explore-logs');
  await shell.click();
  const policy = page.getByRole('row').filter({ hasText: /^policyksp-web-server-spawns-shell$/ });
  // The buttons of a log line's details have neither test ids nor selectors.
  await policy.getByRole('button', { name: /^Filter for value/ }).click();
  const filter = page.getByTestId(testIds.editor.filter(0));
  await expect(filter).toContainText('policy');
  await expect(filter).toContainText('ksp-web-server-spawns-shell');
  await expect(lines(page).filter({ hasText: 'DefaultPosture' })).toHaveCount(0);
});

test("a line's details lead to its process", async ({ page, keep }) => {
  await explore(page, shells);
  await lines(page).filter({ hasText: 'ksp-web-server-spawns-shell' }).first().click();
  const link = page.getByRole('link', { name: 'Process tree' });
  await expect(link).toHaveAttribute('href', new RegExp(`/d/${linkDashboards.process}\\?`));
  const { searchParams } = new URL((await link.getAttribute('href')) ?? '', grafanaUrl);
  expect(searchParams.get('var-datasource')).toBe(uids.dataSource);
  expect(searchParams.get('var-event_node')).toMatch(/^edge-[123]$/);
  expect(searchParams.get('var-seq')).toMatch(/^\d+$/);
  expect(searchParams.get('from')).not.toBeNull();
  await link.scrollIntoViewIfNeeded();
  await keep('explore-process-link');
});

test('log context: the same pod on the same node, before and after, no line twice', async ({ page, keep }) => {
  await explore(page, shells);
  const line = lines(page).filter({ hasText: '/proc/1/cgroup' }).nth(1);
  await line.hover();
  // The buttons of a log line have neither test ids nor selectors.
  await line.getByRole('button', { name: /context/i }).click();
  const context = page.getByRole('dialog');
  await expect(context).toContainText('/proc/1/cgroup');
  // What followed the shell in the same pod, and what came before it.
  await expect(context).toContainText(/kubernetes\.io\/serviceaccount\/token/);
  await expect.poll(() => context.getByRole('row').count()).toBeGreaterThan(10);
  // The line itself is wrapped into a row of its own.
  const rows = context.getByRole('row').filter({ hasNot: page.getByRole('row') });
  const texts = await rows.allInnerTexts();
  const withTime = texts.map((each) => each.trim()).filter((each) => /^\d{4}-\d\d-\d\d/.test(each));
  expect(new Set(withTime).size).toBe(withTime.length);
  await keep('explore-context');
});

for (const table of ['kubearmor.logs', 'kubearmor.alerts']) {
  test(`live: new lines of ${table} come by themselves`, async ({ page, keep }) => {
    await explore(page, built('logs', { table }));
    await expect(lines(page).first()).toBeVisible();
    // Explore's toolbar gives this button neither a test id nor a selector.
    await page.getByRole('button', { name: /live/i }).first().click();
    const stream = page.locator('main tr').filter({ hasText: /Process|File|Network/ });
    await expect.poll(() => stream.count()).toBeGreaterThan(table === 'kubearmor.logs' ? 5 : 0);
    const before = await stream.last().innerText();
    await expect.poll(() => stream.last().innerText()).not.toBe(before);
    await stream.last().evaluate((row) => row.scrollIntoView({ block: 'end' }));
    if (table === 'kubearmor.logs') await keep('explore-live');
  });
}
