import { credentials, uids } from './environment.js';

type Json = Readonly<Record<string, unknown>>;

/** Grafana's HTTP API, as far as the tests need it. */
export class Grafana {
  readonly #headers = {
    'content-type': 'application/json',
    authorization: `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`,
    // Rules that were made over the API can be changed and removed by hand.
    'x-disable-provenance': 'true',
  };

  constructor(readonly url: string | undefined) {}

  /** @throws Error with what Grafana said, unless the status is 2xx or one of `accepted` */
  async call(method: string, path: string, body?: unknown, accepted: readonly number[] = []): Promise<unknown> {
    if (this.url === undefined) throw new Error('GRAFANA_URL is not set.');
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: this.#headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    if (!response.ok && !accepted.includes(response.status)) {
      throw new Error(`${method} ${path}: ${response.status} ${text}`);
    }
    return text === '' ? undefined : JSON.parse(text);
  }

  /** Waits until Grafana listens; a first start takes a minute. */
  async ready(): Promise<void> {
    const deadline = Date.now() + 120_000;
    for (;;) {
      try {
        await this.call('GET', '/api/health');
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }

  /** Makes or replaces a data source. */
  async addDataSource(settings: Json & { readonly uid: string }): Promise<void> {
    await this.removeDataSource(settings.uid);
    await this.call('POST', '/api/datasources', { access: 'proxy', ...settings });
  }

  async removeDataSource(uid: string): Promise<void> {
    await this.call('DELETE', `/api/datasources/uid/${uid}`, undefined, [404]);
  }

  async addFolder(): Promise<void> {
    await this.call('POST', '/api/folders', { uid: uids.folder, title: 'Armorlake e2e' });
  }

  /** With the dashboards and alert rules in it. */
  async removeFolder(): Promise<void> {
    await this.call('DELETE', `/api/folders/${uids.folder}?forceDeleteRules=true`, undefined, [403, 404]);
  }

  /** Makes or replaces a dashboard in the tests' folder. */
  async saveDashboard(dashboard: Json): Promise<void> {
    await this.call('POST', '/api/dashboards/db', { dashboard, folderUid: uids.folder, overwrite: true });
  }

  /** Makes or replaces a group of alert rules in the tests' folder, evaluated each 10 s (the least Grafana takes). */
  async saveRules(group: string, rules: readonly Json[]): Promise<void> {
    await this.call('PUT', `/api/v1/provisioning/folder/${uids.folder}/rule-groups/${group}`, {
      title: group,
      folderUid: uids.folder,
      interval: 10,
      rules: rules.map((rule) => ({ orgID: 1, folderUID: uids.folder, ruleGroup: group, ...rule })),
    });
  }

  async removeRules(group: string): Promise<void> {
    const path = `/api/v1/provisioning/folder/${uids.folder}/rule-groups/${group}`;
    await this.call('DELETE', path, undefined, [404]);
  }

  /** State of a rule as its list in Grafana shows it. */
  async rule(title: string): Promise<RuleState | undefined> {
    const answer = (await this.call('GET', `/api/prometheus/grafana/api/v1/rules?folder_uid=${uids.folder}`)) as {
      readonly data: { readonly groups: readonly { readonly rules: readonly RuleState[] }[] };
    };
    return answer.data.groups.flatMap(({ rules }) => rules).find(({ name }) => name === title);
  }
}

export interface RuleState {
  readonly uid: string;
  readonly name: string;
  readonly state: string;
  readonly health: string;
  readonly lastError?: string;
  readonly alerts?: readonly {
    readonly state: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  }[];
}
