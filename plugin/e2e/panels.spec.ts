import { linkDashboards } from '../shared/index.js';
import { dashboard } from './support/dashboards.js';
import { grafanaUrl, whySkipped } from './support/environment.js';
import { around, attackEvent, built, rowsOf, written } from './support/queries.js';
import { cells, expect, test } from './support/test.js';

test.skip(grafanaUrl === undefined, whySkipped);

test('each query type draws its panel', async ({ grafana, stage, gotoDashboardPage, selectors, page, keep }) => {
  const event = await attackEvent(stage);
  const uid = 'armorlake-e2e-panels';
  await grafana.saveDashboard(
    dashboard({
      uid,
      title: 'Armorlake query types',
      panels: [
        {
          title: 'Alerts by policy',
          type: 'table',
          query: built('table', {
            aggregates: [{ function: 'count', alias: 'alerts' }],
            groupBy: ['namespace', 'policy', 'outcome'],
            orderBy: [{ by: 'alerts', descending: true }],
          }),
        },
        {
          title: 'Alerts over time',
          type: 'timeseries',
          query: built('timeseries', { timeBucket: '1m', groupBy: ['outcome'] }),
          fieldConfig: { defaults: { custom: { drawStyle: 'bars', fillOpacity: 60, stacking: { mode: 'normal' } } } },
        },
        {
          title: 'Alerts, newest first',
          type: 'logs',
          query: built('logs', {}),
          options: { showTime: true, wrapLogMessage: false, enableLogDetails: true, sortOrder: 'Descending' },
        },
        { title: 'Process tree', type: 'table', query: around('tree', event) },
        { title: 'Observed activity', type: 'traces', query: around('tree', event, { view: 'waterfall' }), height: 12 },
        { title: 'Process graph', type: 'nodeGraph', query: around('graph', event), height: 12 },
      ],
    }),
  );
  const view = await gotoDashboardPage({ uid });

  const table = view.getPanelByTitle('Alerts by policy');
  await expect(table.fieldNames).toContainText(['namespace', 'policy', 'outcome', 'alerts']);
  await expect(cells(table.locator).getByText('ksp-web-server-spawns-shell')).toBeVisible();
  await expect(table.locator.getByText('happened').first()).toBeVisible();

  const series = view.getPanelByTitle('Alerts over time').locator;
  await expect(series.locator('canvas').first()).toBeVisible();
  await expect(series).toContainText('blocked');
  await expect(series).toContainText('happened');

  const logs = view.getPanelByTitle('Alerts, newest first').locator;
  await expect(logs).toContainText(/A web server started a shell|Default Posture/);

  const tree = view.getPanelByTitle('Process tree');
  await expect(cells(tree.locator).getByText('/bin/bash').first()).toBeVisible();
  await keep('query-types');

  const trace = view.getPanelByTitle('Observed activity').locator;
  await trace.scrollIntoViewIfNeeded();
  await expect(trace).toContainText('bash');
  const graph = view.getPanelByTitle('Process graph').locator;
  await expect(graph.locator('circle').first()).toBeVisible();
  await expect(graph).toContainText('bash');
  await keep('query-types-processes');

  // At its beginning, as a line that is not wrapped goes on beyond its panel.
  const line = logs.getByRole('row').or(logs.getByTestId('log-row-message')).first();
  await line.click({ position: { x: 60, y: 8 } });
  await expect(logs.getByRole('link', { name: 'Process tree' })).toHaveAttribute(
    'href',
    new RegExp(`/d/${linkDashboards.process}\\?.*var-event_node=edge-[123]&var-seq=\\d+&`),
  );
  for (const title of ['Alerts by policy', 'Alerts over time', 'Process tree', 'Observed activity', 'Process graph']) {
    await expect(view.getPanelByTitle(title).getErrorIcon()).toBeHidden();
  }
  await expect(page.getByTestId(selectors.components.Panels.Panel.PanelDataErrorMessage)).toHaveCount(0);
});

test('SQL with macros gives the numbers that the node gives', async ({ grafana, stage, gotoDashboardPage }) => {
  const uid = 'armorlake-e2e-sql';
  const count = "SELECT count(*) AS shells FROM kubearmor.alerts WHERE policy = 'ksp-web-server-spawns-shell'";
  const until = new Date(Date.now() - 60_000).toISOString();
  const [[wanted] = []] = await rowsOf(stage, `${count} AND time < '${until}'`);
  await grafana.saveDashboard(
    dashboard({
      uid,
      title: 'Armorlake SQL',
      from: 'now-6h',
      panels: [
        {
          title: 'Shells',
          type: 'stat',
          query: written('table', `${count} AND $__timeFilter(time) AND time < '${until}'`),
        },
        {
          title: 'A minute each',
          type: 'timeseries',
          query: written(
            'timeseries',
            `SELECT $__timeGroup(time, 1m, 0) AS time, node, count(*) AS events FROM kubearmor.logs
             WHERE $__timeFilter(time) GROUP BY ALL ORDER BY ALL`,
          ),
        },
      ],
    }),
  );
  const view = await gotoDashboardPage({ uid });
  await expect(view.getPanelByTitle('Shells').locator).toContainText(String(wanted));
  const series = view.getPanelByTitle('A minute each').locator;
  for (const name of ['edge-1', 'edge-2', 'edge-3']) await expect(series).toContainText(name);
});

test('a wrong query says what is wrong with it', async ({ grafana, gotoDashboardPage, page, keep }) => {
  const uid = 'armorlake-e2e-wrong';
  await grafana.saveDashboard(
    dashboard({
      uid,
      title: 'Armorlake errors',
      panels: [
        { title: 'Table', type: 'table', query: written('table', 'SELECT * FROM kubearmor.alert') },
        {
          title: 'Macro',
          type: 'table',
          query: written('table', 'SELECT * FROM kubearmor.alerts WHERE $__timeFilter()'),
        },
        { title: 'Hostile', type: 'table', query: written('table', `SELECT '<img src=x onerror=alert(1)>' AS html`) },
        { title: 'Empty', type: 'table', query: written('table', 'SELECT * FROM kubearmor.alerts WHERE false') },
      ],
    }),
  );
  const view = await gotoDashboardPage({ uid });
  const [table, macro] = [view.getPanelByTitle('Table'), view.getPanelByTitle('Macro')];
  await expect(table.getErrorIcon()).toBeVisible();
  await expect(macro.getErrorIcon()).toBeVisible();
  await table.getErrorIcon().hover();
  await expect(page.getByText(/There is no table kubearmor\.alert\b.* Did you mean kubearmor\.alerts/)).toBeVisible();
  await keep('query-error');
  await macro.getErrorIcon().hover();
  await expect(page.getByText(/\$__timeFilter/).last()).toBeVisible();
  await expect(cells(view.getPanelByTitle('Hostile').locator).getByText('<img src=x onerror=alert(1)>')).toBeVisible();
  const empty = view.getPanelByTitle('Empty');
  await expect(empty.fieldNames).toContainText(['time']);
  await expect(cells(empty.locator)).toHaveCount(0);
  await expect(empty.getErrorIcon()).toBeHidden();
});
