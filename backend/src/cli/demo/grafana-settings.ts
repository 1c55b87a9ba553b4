import { join } from 'node:path';

export const PLUGIN_ID = 'armorlake-kubearmor-datasource';

/** What a Grafana of the demo is given. */
export interface GrafanaPlace {
  readonly port: number;
  /** Its own folder: database, log, plugins. */
  readonly folder: string;
  /** The repository's provisioning folder. */
  readonly provisioning: string;
  /** The query node. */
  readonly armorlakeUrl: string;
  readonly adminPassword: string;
}

/** The only host by which it answers. */
export const GRAFANA_HOST = '127.0.0.1';

/** Where the plugins of a Grafana of the demo lie. */
export function pluginsOf(folder: string): string {
  return join(folder, 'plugins');
}

/**
 * The environment of a Grafana that listens on loopback, keeps its data in the folder, reads the repository's
 * provisioning and calls nothing outside. Settings of the user's own Grafana don't reach it.
 */
export function grafanaEnvironment(
  inherited: Readonly<Record<string, string | undefined>>,
  { port, folder, provisioning, armorlakeUrl, adminPassword }: GrafanaPlace,
): Readonly<Record<string, string>> {
  const own = Object.entries(inherited).flatMap(([name, value]) =>
    value === undefined || /^(GF|ARMORLAKE)_/.test(name) ? [] : [[name, value] as const],
  );
  return {
    ...Object.fromEntries(own),
    ...listener(port),
    ...access(adminPassword),
    ...offline,
    GF_PATHS_DATA: join(folder, 'data'),
    GF_PATHS_LOGS: join(folder, 'logs'),
    GF_PATHS_PLUGINS: pluginsOf(folder),
    GF_PATHS_PROVISIONING: provisioning,
    GF_DATABASE_WAL: 'true',
    GF_LOG_MODE: 'console',
    GF_LOG_LEVEL: 'warn',
    GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: join(
      provisioning,
      'dashboards',
      'json',
      'armorlake-fleet-overview.json',
    ),
    GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS: PLUGIN_ID,
    // The plugin may be started by Node.js: by this one, wherever it is.
    GF_PLUGINS_FORWARD_HOST_ENV_VARS: PLUGIN_ID,
    ARMORLAKE_NODE: process.execPath,
    ARMORLAKE_URL: armorlakeUrl,
    ARMORLAKE_TOKEN: '',
  };
}

function listener(port: number): Readonly<Record<string, string>> {
  return {
    GF_SERVER_PROTOCOL: 'http',
    GF_SERVER_HTTP_ADDR: GRAFANA_HOST,
    GF_SERVER_HTTP_PORT: String(port),
    // A page on the web can't reach it under a name of its own (DNS rebinding).
    GF_SERVER_DOMAIN: GRAFANA_HOST,
    GF_SERVER_ENFORCE_DOMAIN: 'true',
    GF_SERVER_ROOT_URL: `http://${GRAFANA_HOST}:${port}/`,
    GF_SECURITY_CSRF_ALWAYS_CHECK: 'true',
  };
}

/** Whoever reaches loopback sees and explores everything; to change what is shared takes the password. */
function access(adminPassword: string): Readonly<Record<string, string>> {
  return {
    GF_AUTH_ANONYMOUS_ENABLED: 'true',
    GF_AUTH_ANONYMOUS_ORG_ROLE: 'Editor',
    GF_SECURITY_ADMIN_USER: 'admin',
    GF_SECURITY_ADMIN_PASSWORD: adminPassword,
    GF_USERS_ALLOW_SIGN_UP: 'false',
    GF_UNIFIED_ALERTING_ENABLED: 'true',
  };
}

/** Nothing listens there: what would call grafana.com by mistake gets no further. */
const NOWHERE = 'http://127.0.0.1:9';

/** Settings that turn everything off that would call outside. */
export const offline: Readonly<Record<string, string>> = {
  GF_ANALYTICS_REPORTING_ENABLED: 'false',
  GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
  GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
  GF_ANALYTICS_FEEDBACK_LINKS_ENABLED: 'false',
  GF_NEWS_NEWS_FEED_ENABLED: 'false',
  GF_SECURITY_DISABLE_GRAVATAR: 'true',
  GF_SNAPSHOTS_EXTERNAL_ENABLED: 'false',
  GF_PLUGINS_PREINSTALL_DISABLED: 'true',
  GF_PLUGINS_PLUGIN_ADMIN_ENABLED: 'false',
  GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED: 'true',
  GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_ON_STARTUP: 'false',
  GF_CLOUD_MIGRATION_ENABLED: 'false',
  GF_SECRETSCAN_ENABLED: 'false',
  GF_GRAFANA_NET_URL: NOWHERE,
  GF_GRAFANA_COM_URL: NOWHERE,
  GF_GRAFANA_COM_API_URL: `${NOWHERE}/api`,
};
