import { testIds } from '../src/testIds.js';
import { grafanaUrl, pluginId, uids, whySkipped } from './support/environment.js';
import { expect, test } from './support/test.js';

test.skip(grafanaUrl === undefined, whySkipped);

test('Save & test of the data source that the provisioning file describes lists its nodes', async ({
  gotoDataSourceConfigPage,
  page,
  keep,
}) => {
  const config = await gotoDataSourceConfigPage(uids.dataSource);
  await expect(page.getByTestId(testIds.config.url(0))).toHaveValue(/^http:\/\/127\.0\.0\.1:\d+$/);
  await expect(config.saveAndTest()).toBeOK();
  await expect(config).toHaveAlert('success');
  const nodes = page.getByTestId(testIds.config.healthNodes);
  for (const name of ['edge-1', 'edge-2', 'edge-3']) await expect(nodes).toContainText(name);
  await page.getByTestId(testIds.config.health).scrollIntoViewIfNeeded();
  await keep('config-health');
  await page.getByTestId(testIds.config.url(0)).scrollIntoViewIfNeeded();
  await keep('config-editor');
});

test('Save & test says which part failed', async ({ grafana, stage, gotoDataSourceConfigPage, page, keep }) => {
  await grafana.addDataSource({ uid: uids.broken, name: uids.broken, type: pluginId, jsonData: {} });
  const config = await gotoDataSourceConfigPage(uids.broken);
  const health = page.getByTestId(testIds.config.healthUrls);
  const cases = [
    { url: 'http://127.0.0.1:9', part: 'network', says: /127\.0\.0\.1:9/ },
    { url: stage.url.replace('http:', 'https:'), part: 'TLS', says: /TLS|https/ },
    { url: grafanaUrl ?? '', part: 'version', says: /Armorlake/ },
    { url: stage.locked.url, part: 'authentication', says: /token/ },
  ];
  for (const { url, part, says } of cases) {
    await page.getByTestId(testIds.config.url(0)).fill(url);
    await expect(config.saveAndTest()).not.toBeOK();
    await expect(config).toHaveAlert('error', { hasText: says });
    await expect(health).toContainText(new RegExp(`failed at: ${part}`));
  }
  await keep('config-failed');
  await page.getByTestId(testIds.config.token).fill(stage.locked.token);
  await expect(config.saveAndTest()).toBeOK();
  await expect(config).toHaveAlert('success');
  await grafana.removeDataSource(uids.broken);
});
