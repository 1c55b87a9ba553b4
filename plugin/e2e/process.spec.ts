import { defaultQuery } from '../shared/index.js';
import { testIds } from '../src/testIds.js';
import { dashboard } from './support/dashboards.js';
import { grafanaUrl, whySkipped } from './support/environment.js';
import { explore } from './support/explore.js';
import { around, attackEvent, built } from './support/queries.js';
import { cells, expect, test } from './support/test.js';

test.skip(grafanaUrl === undefined, whySkipped);

test('a tree, a waterfall and a graph around the event that the dashboard names; a click re-roots them', async ({
  grafana,
  stage,
  gotoDashboardPage,
  page,
  keep,
}) => {
  const uid = 'armorlake-e2e-processes';
  const event = await attackEvent(stage);
  const named = { node: '$node', seq: '$seq' };
  await grafana.saveDashboard(
    dashboard({
      uid,
      title: 'Armorlake processes',
      variables: Object.entries(event).map(([name, value]) => ({
        type: 'textbox',
        name,
        query: value,
        current: { text: value, value },
      })),
      panels: [
        { title: 'Tree', type: 'table', query: around('tree', named), width: 24, height: 16 },
        {
          title: 'Waterfall',
          type: 'traces',
          query: around('tree', named, { view: 'waterfall' }),
          width: 24,
          height: 16,
        },
        { title: 'Graph', type: 'nodeGraph', query: around('graph', named), width: 24, height: 16 },
      ],
    }),
  );
  const view = await gotoDashboardPage({ uid });
  const tree = view.getPanelByTitle('Tree').locator;
  await expect(cells(tree).getByText(/▶ .*\/dev\/tcp\//)).toBeVisible();
  // What led to the shell, and what came of it; the miner was refused.
  await expect(
    cells(tree)
      .getByText(/apache2/)
      .first(),
  ).toBeVisible();
  await expect(
    cells(tree)
      .getByText(/serviceaccount\/token/)
      .first(),
  ).toBeVisible();
  await expect(
    cells(tree)
      .getByText(/✕ .*xmrig/)
      .first(),
  ).toBeVisible();
  await keep('process-tree');

  const waterfall = view.getPanelByTitle('Waterfall').locator;
  await waterfall.scrollIntoViewIfNeeded();
  await expect(waterfall).toContainText(/observed activity/);
  await keep('process-waterfall');
  const graph = view.getPanelByTitle('Graph').locator;
  await graph.scrollIntoViewIfNeeded();
  await expect(graph.locator('circle').first()).toBeVisible();
  await expect(graph).toContainText('apache2');
  await keep('process-graph');

  await tree.scrollIntoViewIfNeeded();
  await cells(tree)
    .getByRole('link', { name: /\/bin\/sh -c/ })
    .click();
  await expect(cells(tree).getByText(/▶ \/bin\/sh -c/)).toBeVisible();
  expect(new URL(page.url()).searchParams.get('var-seq')).not.toBe(event.seq);
});

test('a graph of behaviour: pods, their processes and what these touch', async ({
  grafana,
  gotoDashboardPage,
  selectors,
  page,
  keep,
}) => {
  const uid = 'armorlake-e2e-behaviour';
  const query = built(
    'graph',
    { filters: [{ column: 'namespace', operator: 'is', values: ['shop'] }] },
    { process: { ...defaultQuery('graph').process, graph: 'behaviour', nodeLimit: 9 } },
  );
  await grafana.saveDashboard(
    dashboard({
      uid,
      title: 'Armorlake behaviour',
      panels: [{ title: 'Behaviour', type: 'nodeGraph', query, width: 24, height: 18 }],
    }),
  );
  const view = await gotoDashboardPage({ uid });
  const behaviour = view.getPanelByTitle('Behaviour');
  // Pod → process → resource.
  await expect.poll(() => behaviour.locator.locator('circle').count()).toBeGreaterThan(5);
  await expect(behaviour.locator).toContainText('shop');
  await expect(behaviour.getErrorIcon()).toBeHidden();
  await expect(page.getByTestId(selectors.components.Panels.Panel.PanelDataErrorMessage)).toHaveCount(0);
  await keep('process-behaviour');
});

test('the editor of a process tree, and its two views', async ({ stage, page, keep }) => {
  const ids = testIds.editor;
  await explore(page, around('tree', await attackEvent(stage)));
  await expect(page.getByTestId(ids.processNode)).toBeVisible();
  // It lies on one node, and only that one is asked.
  await expect(page.getByTestId(ids.footer)).toContainText(/1\/1 node/);
  await keep('process-editor');
  await page.getByTestId(ids.processView).getByRole('radio', { name: 'Waterfall' }).click({ force: true });
  await expect(page.getByText(/observed activity/i).first()).toBeVisible();
});
