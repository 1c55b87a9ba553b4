import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PluginOptions } from '@grafana/plugin-e2e';
import { defineConfig } from '@playwright/test';
import { credentials, grafanaUrl } from './support/environment.js';

/** The browser reaches Grafana and nothing else. */
const hosts = grafanaUrl === undefined ? [] : [`MAP * ~NOTFOUND, EXCLUDE ${new URL(grafanaUrl).hostname}`];

export default defineConfig<PluginOptions>({
  testDir: '.',
  outputDir: join(tmpdir(), 'armorlake-e2e-results'),
  globalSetup: './support/setup.ts',
  // One network of nodes for all: a frozen node must not meet another test.
  workers: 1,
  fullyParallel: false,
  // Generous for small machines: what is waited for comes at last or never.
  timeout: 900_000,
  expect: { timeout: 120_000 },
  reporter: 'list',
  use: {
    baseURL: grafanaUrl,
    viewport: { width: 1280, height: 900 },
    timezoneId: 'UTC',
    actionTimeout: 120_000,
    navigationTimeout: 240_000,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    user: credentials,
    grafanaAPICredentials: credentials,
    launchOptions: {
      executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        ...hosts.map((rule) => `--host-resolver-rules=${rule}`),
      ],
    },
  },
});
