import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Set by whoever runs the tests; without it they are skipped. */
export const grafanaUrl = process.env['GRAFANA_URL']?.replace(/\/+$/, '');
export const whySkipped = 'GRAFANA_URL names no Grafana that has loaded plugin/dist';

export const credentials = {
  user: process.env['GRAFANA_USER'] ?? 'admin',
  password: process.env['GRAFANA_PASSWORD'] ?? 'admin',
};

/** A folder of this run; the workers inherit its name from the first process. */
export const runFolder = (process.env['ARMORLAKE_E2E_FOLDER'] ??= mkdtempSync(join(tmpdir(), 'armorlake-e2e-')));
/** Where pictures of views go: into the docs only by `npm run e2e -- --update-pictures`, so that a run changes no file. */
export const updatePictures = process.env['ARMORLAKE_UPDATE_PICTURES'] === '1';
/** What `setup.ts` started. */
export const stageFile = join(runFolder, 'stage.json');

export const pluginId = 'armorlake-kubearmor-datasource';
/** All that is made in Grafana hangs on these, so that all of it can be removed. */
export const uids = { dataSource: 'armorlake-e2e', broken: 'armorlake-e2e-broken', folder: 'armorlake-e2e' } as const;
