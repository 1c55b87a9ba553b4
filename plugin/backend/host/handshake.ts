/** What hashicorp's go-plugin puts into the environment of a plugin. */
export interface HostEnvironment {
  readonly socketDir: string | null;
  /** Group, by name or number, that may connect. */
  readonly socketGroup: string | null;
}

/** Versions of go-plugin's core and of Grafana's protocol that are spoken. */
const CORE_VERSION = 1;
const APP_VERSION = 2;
const COOKIE = { name: 'grafana_plugin_type', value: 'datasource' };

/** Why this can't be a start by Grafana; null: it is one. */
export function refusal(environment: NodeJS.ProcessEnv): string | null {
  if (environment[COOKIE.name] !== COOKIE.value) {
    return (
      'This is the backend of a Grafana plugin: Grafana starts it, nobody else needs to.\n' +
      'Put its folder into the plugins folder of Grafana; the README says how.\n'
    );
  }
  const offered = environment['PLUGIN_PROTOCOL_VERSIONS'];
  if (offered !== undefined && offered !== '' && !offered.split(',').includes(String(APP_VERSION))) {
    return `This plugin speaks version ${APP_VERSION} of Grafana's plugin protocol; this Grafana offers ${offered} only.\n`;
  }
  return null;
}

export function hostEnvironment(environment: NodeJS.ProcessEnv): HostEnvironment {
  const given = (name: string): string | null => {
    const value = environment[name];
    return value === undefined || value === '' ? null : value;
  };
  return { socketDir: given('PLUGIN_UNIX_SOCKET_DIR'), socketGroup: given('PLUGIN_UNIX_SOCKET_GROUP') };
}

/** The one line on stdout; the sixth part, the server's certificate, stays empty. */
export function handshakeLine(network: 'unix' | 'tcp', address: string): string {
  return `${CORE_VERSION}|${APP_VERSION}|${network}|${address}|grpc|\n`;
}
