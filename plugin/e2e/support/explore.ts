import type { Page } from '@playwright/test';
import type { ArmorlakeModel } from '../../shared/index.js';
import { dataSource } from './dashboards.js';

/** Opens Explore with a query, as a link to it does. */
export async function explore(page: Page, query: Partial<ArmorlakeModel>, from = 'now-15m'): Promise<void> {
  const pane = {
    datasource: dataSource.uid,
    queries: [{ refId: 'A', datasource: dataSource, ...query }],
    range: { from, to: 'now' },
  };
  const panes = encodeURIComponent(JSON.stringify({ one: pane }));
  await page.goto(`/explore?schemaVersion=1&orgId=1&panes=${panes}`);
}
