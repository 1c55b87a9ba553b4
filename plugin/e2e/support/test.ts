import { copyFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect as grafanaExpect, test as grafanaTest } from '@grafana/plugin-e2e';
import type { BrowserContext, Locator, Page } from '@playwright/test';
import { credentials, stageFile, updatePictures } from './environment.js';
import { Grafana } from './grafana.js';
import type { Stage } from './network.js';

const images = updatePictures
  ? fileURLToPath(new URL('../../../docs/images/', import.meta.url))
  : join(tmpdir(), 'armorlake-e2e-pictures');
const pluginSource = fileURLToPath(new URL('../../src/', import.meta.url));

/** Pictures that ship with the plugin, as its descriptor names them. */
const { info } = JSON.parse(readFileSync(join(pluginSource, 'plugin.json'), 'utf8')) as {
  readonly info: { readonly screenshots: readonly { readonly path: string }[] };
};
const shipped = new Set(info.screenshots.map(({ path }) => path));

interface BootData {
  readonly version: string;
  readonly namespace: string;
  readonly selectorsUrl: string | undefined;
}

interface TestFixtures {
  readonly grafana: Grafana;
  readonly stage: Stage;
  /** Keeps a picture of a view; with `--update-pictures` in docs/images, and in the plugin when that ships with it. */
  readonly keep: (name: string) => Promise<void>;
  /** Of @grafana/plugin-e2e, which loads Grafana's start page in each test to find it out. */
  readonly bootData: BootData;
}

interface WorkerFixtures {
  /** One for all tests: Grafana's own code is loaded and compiled once. */
  readonly browserSession: BrowserContext;
}

let bootData: BootData | undefined;

export const test = grafanaTest.extend<TestFixtures, WorkerFixtures>({
  browserSession: [
    async ({ browser }, use, { project }) => {
      const { baseURL, viewport, timezoneId } = project.use;
      const context = await browser.newContext({
        // Spinners and bars that move cost a browser without a graphics card more than the panels do.
        reducedMotion: 'reduce',
        ...(baseURL === undefined ? {} : { baseURL }),
        ...(viewport === undefined ? {} : { viewport }),
        ...(timezoneId === undefined ? {} : { timezoneId }),
      });
      // Here and not once for all: Grafana changes a session's token every ten minutes.
      const response = await context.request.post('/login', { data: credentials });
      if (!response.ok()) throw new Error(`Grafana refuses ${credentials.user}: ${await response.text()}`);
      await use(context);
      await context.close();
    },
    { scope: 'worker' },
  ],
  context: async ({ browserSession }, use) => {
    await use(browserSession);
    await Promise.all(browserSession.pages().map((page) => page.close()));
  },
  bootData: async ({ context }, use) => {
    bootData ??= await readBootData(await context.newPage());
    await use(bootData);
  },
  grafana: async ({ baseURL }, use) => {
    await use(new Grafana(baseURL));
  },
  stage: async ({ baseURL: _ }, use) => {
    await use(JSON.parse(readFileSync(stageFile, 'utf8')) as Stage);
  },
  keep: async ({ page }, use) => {
    await use(async (name) => {
      const path = join(images, `${name}.png`);
      await page.screenshot({ path, animations: 'disabled', caret: 'hide' });
      const copy = `img/${name}.png`;
      if (updatePictures && shipped.has(copy)) copyFileSync(path, join(pluginSource, copy));
    });
  },
});
export const expect = grafanaExpect;

/** Grafana's own words on itself; `selectorsUrl` is where 13.3 and later serve their selectors. */
const bootDataScript = `(() => {
  const { settings, assets } = window.grafanaBootData;
  const file = assets?.jsFiles?.[0]?.filePath;
  return {
    version: settings.buildInfo.version,
    namespace: settings.namespace,
    selectorsUrl: file && new URL(file.replace(/[^/]+$/, 'e2e-selectors.json'), document.baseURI).href,
  };
})()`;

async function readBootData(page: Page): Promise<BootData> {
  await page.goto('/login');
  const read = await page.evaluate<BootData>(bootDataScript);
  await page.close();
  return read;
}

/** Cells of a table panel: Grafana's older table and its newer one give them different roles. */
export function cells(panel: Locator): Locator {
  return panel.getByRole('cell').or(panel.getByRole('gridcell'));
}

/** Freezes an edge for the time of the action, and wakes it also when that fails. */
export async function whileFrozen(edge: { readonly pid: number }, action: () => Promise<void>): Promise<void> {
  process.kill(edge.pid, 'SIGSTOP');
  try {
    await action();
  } finally {
    process.kill(edge.pid, 'SIGCONT');
  }
}
