import { testIds } from '../src/testIds.js';
import { text } from '../src/text.js';
import { defaultQuery } from '../shared/index.js';
import type { AnnotationKind, ArmorlakeModel } from '../shared/index.js';
import { dashboard, dataSource } from './support/dashboards.js';
import { grafanaUrl, whySkipped } from './support/environment.js';
import { built } from './support/queries.js';
import { expect, test } from './support/test.js';

test.skip(grafanaUrl === undefined, whySkipped);

const uid = 'armorlake-e2e-annotations';

function annotation(name: string, iconColor: string, kind: AnnotationKind, rest: Partial<ArmorlakeModel> = {}) {
  const target = { refId: 'Anno', ...defaultQuery('annotations'), annotation: kind, ...rest };
  return { name, iconColor, enable: true, datasource: dataSource, target };
}

test('blocks and gaps are drawn on a time series', async ({ grafana, gotoDashboardPage, selectors, page, keep }) => {
  const blocks = built('annotations', {
    table: 'kubearmor.alerts',
    filters: [
      { column: 'namespace', operator: 'is', values: ['ci'] },
      { column: 'policy', operator: 'is', values: ['ksp-block-shadow'] },
    ],
  });
  const alarms =
    'SELECT time, policy AS title, resource AS text FROM kubearmor.alerts WHERE $__timeFilter(time) AND severity = 10 LIMIT 3';
  await grafana.saveDashboard(
    dashboard({
      uid,
      title: 'Armorlake annotations',
      from: 'now-30m',
      annotations: [
        annotation('Blocks', 'purple', 'blocks', { builder: blocks.builder }),
        annotation('Gaps', 'red', 'gaps'),
        annotation('SQL', 'yellow', 'sql', { editor: 'sql', sql: alarms }),
      ],
      panels: [
        {
          title: 'Events by node',
          type: 'timeseries',
          query: built('timeseries', { table: 'kubearmor.events', timeBucket: '1m', groupBy: ['node'] }),
          width: 24,
          height: 14,
        },
      ],
    }),
  );
  const view = await gotoDashboardPage({ uid });
  const markers = view.getByGrafanaSelector(selectors.pages.Dashboard.Annotations.marker);
  await expect(markers.first()).toBeVisible();
  await expect.poll(() => markers.count()).toBeGreaterThan(3);
  // Markers lie over each other: whichever is on top tells of itself.
  await markers.first().hover({ force: true });
  await expect(page.getByText(/ksp-block-shadow|break:13|xmrig/).first()).toBeVisible();
  await keep('annotations');
});

test('the editor of an annotation asks and shows what it would draw', async ({
  gotoAnnotationEditPage,
  page,
  keep,
}) => {
  const edit = await gotoAnnotationEditPage({ dashboard: { uid }, id: '1' });
  await expect(page.getByTestId(testIds.annotations.root)).toBeVisible();
  await expect(page.getByTestId(testIds.annotations.kind)).toContainText(text.annotations.kinds.blocks.label);
  await expect(edit.runQuery()).toBeOK();
  await keep('annotation-editor');
});
