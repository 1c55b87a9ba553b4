import type { Locator } from '@playwright/test';
import { testIds } from '../src/testIds.js';
import { dashboard } from './support/dashboards.js';
import { grafanaUrl, whySkipped } from './support/environment.js';
import { explore } from './support/explore.js';
import { built } from './support/queries.js';
import { cells, expect, test, whileFrozen } from './support/test.js';

test.skip(grafanaUrl === undefined, whySkipped);

const byNode = built('table', { aggregates: [{ function: 'count', alias: 'events' }], groupBy: ['node'] });

/** The icon behind a panel's title that a notice puts there. */
function notices(panel: Locator): Locator {
  return panel.getByTestId('title-items-container').locator('svg, button').first();
}

test('a node freezes while a dashboard is open: the panel goes on, and names it', async ({
  grafana,
  stage,
  gotoDashboardPage,
  page,
  keep,
}) => {
  const uid = 'armorlake-e2e-frozen';
  await grafana.saveDashboard(
    dashboard({
      uid,
      title: 'Armorlake with a frozen node',
      refresh: '5s',
      panels: [
        { title: 'By node', type: 'table', query: byNode },
        { title: 'All or nothing', type: 'table', query: { ...byNode, partial: 'fail' } },
        {
          title: 'Over time',
          type: 'timeseries',
          query: built('timeseries', { timeBucket: '1m', groupBy: ['node'] }),
          width: 24,
        },
      ],
    }),
  );
  const view = await gotoDashboardPage({ uid });
  const panel = view.getPanelByTitle('By node');
  const strict = view.getPanelByTitle('All or nothing');
  await expect(cells(panel.locator).getByText('edge-2')).toBeVisible();
  const [, edge] = stage.edges;
  if (edge === undefined) throw new Error('There is no second edge.');
  await whileFrozen(edge, async () => {
    await expect(cells(panel.locator).getByText('edge-2')).toHaveCount(0);
    await expect(cells(panel.locator).getByText('edge-1')).toBeVisible();
    await expect(strict.getErrorIcon()).toBeVisible();
    await notices(panel.locator).hover();
    await expect(page.getByRole('tooltip')).toContainText(/edge-2/);
    await keep('frozen-node');
  });
  await expect(cells(panel.locator).getByText('edge-2')).toBeVisible();
  await expect(strict.getErrorIcon()).toBeHidden();
});

test('the account of the nodes offers to ask the failed one again', async ({ stage, page, keep }) => {
  await explore(page, byNode);
  const footer = page.getByTestId(testIds.editor.footer);
  await expect(footer).toContainText(/3\/3 nodes/);
  const [edge] = stage.edges;
  if (edge === undefined) throw new Error('There is no first edge.');
  await whileFrozen(edge, async () => {
    await page.getByTestId(testIds.editor.run).click();
    await expect(footer).toContainText(/2\/3 nodes · 1 failed/);
    await footer.click();
    const drawer = page.getByTestId(testIds.editor.drawer);
    await expect(drawer.getByRole('row').nth(1)).toContainText(/edge-1.*failed/);
    await keep('query-coverage-failed');
  });
  await expect(async () => {
    await page.getByTestId(testIds.editor.retry).click();
    await expect(page.getByTestId(testIds.editor.drawer)).toContainText(/answers? now/, { timeout: 10_000 });
  }).toPass({ timeout: 60_000 });
});
