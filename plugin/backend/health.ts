import { grafanaPlugin } from '@armorlake/proto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { z } from 'zod';
import type { HealthDetails, HealthStep, HealthUrl, NodeInfo } from '../shared/resources.js';
import type { PluginErrorCode } from './errors.js';
import { PluginError } from './errors.js';
import type { NodeObserver } from './node/client.js';
import { NodeClient } from './node/client.js';
import type { NodeStatus } from './node/status.js';
import type { Settings } from './settings.js';

type HealthAnswer = MessageInitShape<typeof grafanaPlugin.CheckHealthResponseSchema>;

const QUERY_MS = 10_000;

/** The step that an error belongs to. */
const STEP_OF: Partial<Readonly<Record<PluginErrorCode, HealthStep>>> = {
  BAD_SETTINGS: 'settings',
  NETWORK: 'network',
  DEADLINE: 'network',
  NOT_ARMORLAKE: 'version',
  TLS: 'tls',
  UNAUTHENTICATED: 'auth',
  FORBIDDEN: 'auth',
  VERSION: 'version',
};

const STEP_TITLES: Readonly<Record<HealthStep, string>> = {
  settings: 'Settings',
  network: 'Network',
  tls: 'TLS',
  auth: 'Authentication',
  version: 'Version',
  query: 'Query',
};

const queryAnswer = z.looseObject({
  coverage: z.looseObject({ expected: z.number(), asked: z.number(), answered: z.number() }),
});

interface Tried extends HealthUrl {
  readonly nodes: readonly NodeInfo[];
}

/** Save & test: every URL is taken through all steps. One that passes is enough. @param settings parses them */
export async function checkHealth(
  settings: () => Settings,
  observer: NodeObserver,
  signal: AbortSignal,
): Promise<HealthAnswer> {
  const { OK, ERROR } = STATUS;
  let parsed: Settings;
  try {
    parsed = settings();
  } catch (thrown) {
    return answer(ERROR, `${STEP_TITLES.settings}: ${PluginError.from(thrown).text}`, { urls: [], nodes: [] });
  }
  const tried = await Promise.all(parsed.urls.map((url) => tryUrl({ ...parsed, urls: [url] }, url, observer, signal)));
  const urls = tried.map(({ nodes: _, ...url }) => url);
  const good = tried.find(({ failed }) => failed === null);
  const bad = tried.filter(({ failed }) => failed !== null);
  const troubles = bad.map(({ failed, message }) => (failed === null ? message : `${STEP_TITLES[failed]}: ${message}`));
  if (good === undefined) return answer(ERROR, troubles.join(' '), { urls, nodes: [] });
  const others = bad.length === 0 ? '' : ` ${bad.length} of ${tried.length} URLs failed.`;
  return answer(OK, `${good.message}${others}`, {
    ...(bad.length === 0 ? {} : { message: troubles.join(' ') }),
    urls,
    nodes: good.nodes,
  });
}

const STATUS = {
  OK: grafanaPlugin.CheckHealthResponse_HealthStatus.OK,
  ERROR: grafanaPlugin.CheckHealthResponse_HealthStatus.ERROR,
};

async function tryUrl(settings: Settings, url: string, observer: NodeObserver, signal: AbortSignal): Promise<Tried> {
  const client = new NodeClient({ settings, observer });
  const begin = performance.now();
  const tried = (failed: HealthStep | null, message: string, status: NodeStatus | null): Tried => ({
    url,
    failed,
    message,
    node: status?.node ?? null,
    version: status?.version ?? null,
    ms: Math.round(performance.now() - begin),
    nodes: status?.nodes ?? [],
  });
  try {
    const status = await client.status(signal);
    try {
      return tried(null, await ask(client, settings, status, signal), status);
    } catch (thrown) {
      return tried('query', PluginError.from(thrown).text, status);
    }
  } catch (thrown) {
    const error = PluginError.from(thrown);
    return tried(STEP_OF[error.code] ?? 'network', error.text, null);
  } finally {
    client.close();
  }
}

/** Asks for one row of the default table; who answered, in a sentence. */
async function ask(client: NodeClient, settings: Settings, status: NodeStatus, signal: AbortSignal): Promise<string> {
  const sql = `SELECT 1 FROM ${tableName(settings.defaultTable)} LIMIT 1`;
  const timeoutMs = Math.min(QUERY_MS, settings.timeoutMs);
  const body = { sql, limits: { rows: 1, timeoutMs }, partial: 'warn', origin: { user: 'Save & test' } };
  const parsed = queryAnswer.safeParse(await client.postJson('/api/v1/query', body, { signal, timeoutMs }));
  if (!parsed.success) {
    throw new PluginError('NOT_ARMORLAKE', `${status.node} answers queries in a form this data source doesn't know.`, {
      hint: 'Use versions of node and data source that go together.',
    });
  }
  const { expected, asked, answered } = parsed.data.coverage;
  const missing = asked - answered;
  return (
    `${status.node} (Armorlake ${status.version}) answers for ${expected} ${expected === 1 ? 'node' : 'nodes'}` +
    (missing === 0 ? '.' : `; ${missing} of them ${missing === 1 ? 'does' : 'do'} not answer now.`)
  );
}

/** @throws PluginError BAD_SETTINGS */
function tableName(table: string): string {
  if (/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/i.test(table)) return table;
  throw new PluginError('BAD_SETTINGS', `"${table}" is no name of a table.`, {
    hint: 'Set the default table to one of the catalogue, as kubearmor.alerts.',
  });
}

function answer(status: (typeof STATUS)[keyof typeof STATUS], message: string, details: HealthDetails): HealthAnswer {
  return { status, message, jsonDetails: Buffer.from(JSON.stringify(details)) };
}
