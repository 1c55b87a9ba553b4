import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { grafanaUrl, runFolder, stageFile, uids } from './environment.js';
import { Grafana } from './grafana.js';
import { EdgeNetwork } from './network.js';

const provisioned = fileURLToPath(new URL('../../../provisioning/datasources/armorlake.yaml', import.meta.url));

/** Starts the nodes and makes the data source from the committed provisioning file; its result undoes it. */
export default async function setup(): Promise<() => Promise<void>> {
  if (grafanaUrl === undefined) return end;
  const network = new EdgeNetwork();
  const grafana = new Grafana(grafanaUrl);
  const undo = async (): Promise<void> => {
    await removeAll(grafana);
    await network.close();
    await end();
  };
  try {
    await grafana.ready();
    await removeAll(grafana);
    const stage = await network.start();
    writeFileSync(stageFile, JSON.stringify(stage));
    await grafana.addFolder();
    await grafana.addDataSource(dataSourceOf(stage.url));
  } catch (error) {
    await undo();
    throw error;
  }
  return undo;
}

/** The data source of the file, as Grafana reads it: variables of the environment put in. */
function dataSourceOf(url: string): Readonly<Record<string, unknown>> & { readonly uid: string } {
  const values: Readonly<Record<string, string>> = { ARMORLAKE_URL: url, ARMORLAKE_TOKEN: '' };
  const text = readFileSync(provisioned, 'utf8').replaceAll(/\$\{?(\w+)\}?/g, (_, name: string) => values[name] ?? '');
  const { datasources } = parse(text) as { readonly datasources: readonly Readonly<Record<string, unknown>>[] };
  return { ...datasources[0], uid: uids.dataSource, name: uids.dataSource, isDefault: false };
}

async function removeAll(grafana: Grafana): Promise<void> {
  await grafana.removeFolder();
  await grafana.removeDataSource(uids.dataSource);
  await grafana.removeDataSource(uids.broken);
}

function end(): Promise<void> {
  rmSync(runFolder, { recursive: true, force: true });
  return Promise.resolve();
}
