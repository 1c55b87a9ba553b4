import { testIds } from '../src/testIds.js';
import { text } from '../src/text.js';
import { dashboard, dataSource } from './support/dashboards.js';
import { grafanaUrl, whySkipped } from './support/environment.js';
import { built, written } from './support/queries.js';
import { cells, expect, test } from './support/test.js';

test.skip(grafanaUrl === undefined, whySkipped);

const uid = 'armorlake-e2e-variables';

const saved = dashboard({
  uid,
  title: 'Armorlake variables',
  variables: [
    {
      type: 'query',
      name: 'namespace',
      datasource: dataSource,
      query: { refId: 'namespace', kind: 'namespaces' },
      refresh: 2,
      multi: true,
      includeAll: true,
      current: { text: ['All'], value: ['$__all'] },
    },
    {
      type: 'query',
      name: 'policy',
      datasource: dataSource,
      query: {
        refId: 'policy',
        kind: 'values',
        table: 'kubearmor.alerts',
        column: 'policy',
        filters: [{ column: 'namespace', operator: 'is', values: ['$namespace'] }],
      },
      refresh: 2,
      multi: true,
      includeAll: true,
      current: { text: ['All'], value: ['$__all'] },
    },
    { type: 'textbox', name: 'word', query: 'ksp', current: { text: 'ksp', value: 'ksp' } },
    { type: 'adhoc', name: 'filters', datasource: dataSource, filters: [] },
  ],
  panels: [
    {
      title: 'Builder',
      type: 'table',
      query: built('table', {
        filters: [
          { column: 'namespace', operator: 'is', values: ['$namespace'] },
          { column: 'policy', operator: 'is', values: ['$policy'] },
        ],
        aggregates: [{ function: 'count', alias: 'alerts' }],
        groupBy: ['namespace', 'policy'],
      }),
    },
    {
      title: 'SQL',
      type: 'table',
      query: written(
        'table',
        `SELECT namespace, policy, count(*) AS alerts FROM kubearmor.alerts
         WHERE $__timeFilter(time) AND $__adHocFilters(kubearmor.alerts)
           AND $__conditionalAll(namespace IN ($namespace), $namespace) AND policy LIKE $word || '%'
         GROUP BY ALL ORDER BY alerts DESC`,
      ),
    },
  ],
});

test('variables and ad hoc filters narrow the builder and SQL alike', async ({
  grafana,
  gotoDashboardPage,
  selectors,
  page,
  keep,
}) => {
  await grafana.saveDashboard(saved);
  let view = await gotoDashboardPage({ uid });
  const table = (title: string) => cells(view.getPanelByTitle(title).locator);
  // All: no predicate, so those without a namespace are there too.
  await expect(table('Builder').getByText('ci').first()).toBeVisible();
  await expect(table('Builder').getByText('shop').first()).toBeVisible();
  await expect(table('Builder').getByText('hsp-audit-sshd-config')).toBeVisible();
  await expect(table('SQL').getByText('shop').first()).toBeVisible();

  const label = view.getByGrafanaSelector(selectors.pages.Dashboard.SubMenu.submenuItemLabels('namespace'));
  await label.locator('..').getByRole('combobox').click();
  await expect(page.getByRole('option').filter({ hasText: 'iot' })).toBeVisible();
  await keep('variables');
  await page.keyboard.press('Escape');

  const chosen = new URLSearchParams({ 'var-namespace': 'ci' });
  view = await gotoDashboardPage({ uid, queryParams: chosen });
  for (const title of ['Builder', 'SQL']) {
    await expect(table(title).getByText('ci', { exact: true }).first()).toBeVisible();
    await expect(table(title).getByText('shop', { exact: true })).toHaveCount(0);
  }

  const several = new URLSearchParams([
    ['var-namespace', 'ci'],
    ['var-namespace', 'iot'],
    ['var-filters', 'outcome|=|blocked'],
  ]);
  view = await gotoDashboardPage({ uid, queryParams: several });
  for (const title of ['Builder', 'SQL']) {
    await expect(table(title).getByText('ksp-block-cryptominer')).toBeVisible();
    await expect(table(title).getByText('ksp-audit-tool-download')).toHaveCount(0);
    await expect(table(title).getByText('shop', { exact: true })).toHaveCount(0);
  }
  await keep('ad-hoc-filters');
});

test('a hostile value stays a value', async ({ grafana, gotoDashboardPage }) => {
  await grafana.saveDashboard(saved);
  const hostile = `x' OR 1=1) --`;
  const view = await gotoDashboardPage({
    uid,
    queryParams: new URLSearchParams({ 'var-word': hostile, 'var-namespace': hostile }),
  });
  for (const title of ['Builder', 'SQL']) {
    const panel = view.getPanelByTitle(title);
    await expect(panel.fieldNames).toContainText(['namespace', 'policy', 'alerts']);
    await expect(cells(panel.locator)).toHaveCount(0);
    await expect(panel.getErrorIcon()).toBeHidden();
  }
});

test('the editor of a variable shows what it finds', async ({ grafana, gotoVariableEditPage, page, keep }) => {
  await grafana.saveDashboard(saved);
  await gotoVariableEditPage({ dashboard: { uid }, id: '1' });
  const editor = page.getByTestId(testIds.variables.root);
  await expect(editor).toBeVisible();
  await expect(page.getByTestId(testIds.variables.kind)).toContainText(text.variables.kinds.values.label);
  await expect(page.getByTestId(testIds.variables.found)).toContainText(/\d+ found/);
  await editor.scrollIntoViewIfNeeded();
  await keep('variable-editor');
});
