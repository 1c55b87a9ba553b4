import type { Locator, Page } from '@playwright/test';
import { testIds } from '../src/testIds.js';
import { text } from '../src/text.js';
import { grafanaUrl, whySkipped } from './support/environment.js';
import { explore } from './support/explore.js';
import { built, written } from './support/queries.js';
import { cells, expect, test } from './support/test.js';

test.skip(grafanaUrl === undefined, whySkipped);

const ids = testIds.editor;
const words = text.editor;

function editor(page: Page): Locator {
  return page.getByTestId(ids.root);
}

/** Types into one of the editor's selects and takes what it offers first. */
async function choose(page: Page, select: Locator, value: string): Promise<void> {
  await select.click();
  await select.fill(value);
  await page.getByRole('option').filter({ hasText: value }).first().click();
}

/** Puts SQL into the editor in place of what it holds. */
async function typeSql(page: Page, sql: string): Promise<void> {
  await page.getByTestId(ids.sql).locator('.monaco-editor').first().click();
  await page.keyboard.press('ControlOrMeta+A');
  await page.keyboard.insertText(sql);
}

test('the builder: filters with suggested values, groups, preview, and the account of the nodes', async ({
  page,
  keep,
}) => {
  await explore(page, built('table', {}));
  const root = editor(page);
  await expect(root).toBeVisible();
  await page.getByTestId(ids.addFilter).click();
  const filter = page.getByTestId(ids.filter(0));
  await choose(page, filter.getByLabel(words.builder.column, { exact: true }), 'namespace');
  const values = filter.getByLabel(words.builder.values('namespace'));
  await values.click();
  // Suggestions come from the nodes, most frequent first, with their counts.
  await expect(page.getByRole('option').filter({ hasText: /^shop\s*[\d,.]+ ?k?$/ })).toBeVisible();
  await keep('query-builder-values');
  await page.getByRole('option').filter({ hasText: 'shop' }).click();
  await values.press('Escape');
  await page.getByTestId(ids.addAggregate).click();
  await choose(page, page.getByTestId(ids.groupBy).getByLabel(words.builder.groupBy), 'policy');
  await page.keyboard.press('Escape');
  // In Explore the room is the answer's: the SQL is folded at first.
  const preview = page.getByTestId(ids.preview);
  await expect(preview).toHaveCount(0);
  await page.getByRole('button', { name: words.builder.preview }).click();
  await expect(preview).toContainText(/count\(\*\)/);
  await expect(preview).toContainText(/namespace (=|IN) \(?'shop'/);
  await expect(preview).toContainText(/GROUP BY/);
  await expect(page.getByTestId(ids.estimate)).toContainText(/3 nodes/);
  await page.getByTestId(ids.run).click();
  await expect(cells(page.locator('body')).getByText('ksp-web-server-spawns-shell').first()).toBeVisible();
  const footer = page.getByTestId(ids.footer);
  await expect(footer).toContainText(/3\/3 nodes/);
  await keep('query-builder');
  await footer.click();
  const drawer = page.getByTestId(ids.drawer);
  for (const name of ['edge-1', 'edge-2', 'edge-3']) await expect(drawer).toContainText(name);
  await expect(page.getByTestId(ids.copyCli)).toBeVisible();
  await keep('query-coverage');
});

test('only the nodes of a cluster are asked', async ({ page }) => {
  await explore(page, built('table', { aggregates: [{ function: 'count' }], groupBy: ['node'] }));
  await page.getByTestId(ids.scope).click();
  const panel = page.getByTestId(ids.scopePanel);
  await choose(page, panel.getByLabel(words.scope.clusters, { exact: true }), 'east');
  await page.keyboard.press('Escape');
  await page.getByTestId(ids.run).click();
  await expect(page.getByTestId(ids.footer)).toContainText(/1\/1 node/);
  await expect(cells(page.locator('body')).getByText('edge-2')).toBeVisible();
  await expect(cells(page.locator('body')).getByText('edge-1')).toHaveCount(0);
});

test('the SQL editor: judged while one types, formatted, run by the keyboard, given back only when told', async ({
  page,
  keep,
}) => {
  await explore(page, written('table', 'SELECT 1 AS one'));
  await typeSql(page, 'select policy, count(*) as n from kubearmor.alert where $__timeFilter(time) group by all');
  await expect(page.getByTestId(ids.problem)).toContainText(/There is no table kubearmor\.alert/);
  await keep('query-sql-problem');
  await typeSql(page, 'select policy, count(*) as n from kubearmor.alerts where $__timeFilter(time) group by all');
  await expect(page.getByTestId(ids.sql)).toContainText(words.sql.valid);
  await page.getByTestId(ids.format).click();
  await expect(page.getByTestId(ids.sql).locator('.view-line').nth(2)).toBeVisible();
  await expect(page.getByTestId(ids.sql)).toContainText('$__timeFilter(time)');
  await page.getByTestId(ids.sql).locator('.monaco-editor').first().click();
  await page.keyboard.press('ControlOrMeta+Enter');
  await expect(cells(page.locator('body')).getByText('ksp-web-server-spawns-shell').first()).toBeVisible();
  await keep('query-sql');
  await page.getByTestId(ids.mode).getByRole('radio', { name: words.mode.builder }).click({ force: true });
  await expect(page.getByText(words.backTitle)).toBeVisible();
  await page.getByRole('button', { name: words.cancel }).click();
  await expect(page.getByTestId(ids.sql)).toBeVisible();
});

test('a recipe is a query to start from', async ({ page, keep }) => {
  await explore(page, built('table', {}));
  await page.getByTestId(ids.recipes).click();
  await expect(page.getByRole('menuitem')).not.toHaveCount(0);
  await keep('query-recipes');
  const count = await page.getByRole('menuitem').count();
  expect(count).toBeGreaterThanOrEqual(12);
  await page
    .getByRole('menuitem')
    .filter({ hasText: /egress/i })
    .first()
    .click();
  await page.getByTestId(ids.run).click();
  await expect(page.getByTestId(ids.footer)).toContainText(/3\/3 nodes/);
});

test('opening a saved query does not change it', async ({ page }) => {
  await explore(page, { queryType: 'timeseries' });
  await expect(page.getByTestId(ids.footer)).toContainText(/3\/3 nodes/);
  const panes = new URL(page.url()).searchParams.get('panes') ?? '';
  expect(JSON.parse(panes)).toMatchObject({ one: { queries: [{ refId: 'A', queryType: 'timeseries' }] } });
  expect(panes).not.toContain('schemaVersion');
});
