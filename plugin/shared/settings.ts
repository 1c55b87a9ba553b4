export type LinkKind = 'process' | 'workload' | 'sightings';

/** The dashboards that ship with Armorlake and that links of a value lead to. */
export const linkDashboards: Readonly<Record<LinkKind, string>> = {
  process: 'armorlake-process-forensics',
  workload: 'armorlake-workload-behaviour',
  sightings: 'armorlake-indicator-hunt',
};

/** jsonData of the data source. */
export interface ArmorlakeJsonData {
  /** Query nodes by preference: the first that answers is asked. `https://edge.example:7470` */
  readonly urls?: readonly string[];
  /** Milliseconds a query may take; the node's own limit holds too. */
  readonly timeoutMs?: number;
  /** Milliseconds to reach a node before the next is tried. */
  readonly connectTimeoutMs?: number;
  readonly partial?: 'warn' | 'fail' | 'ignore';
  readonly defaultTable?: string;
  readonly rowLimit?: number;
  readonly tlsCaCert?: boolean;
  readonly tlsClientCert?: boolean;
  readonly serverName?: string;
  readonly tlsSkipVerify?: boolean;
  /** Uids of the dashboards that links lead to; an empty text: no such links. Left out: those of `linkDashboards`. */
  readonly links?: Partial<Readonly<Record<LinkKind, string>>>;
}

/** secureJsonData: PEM texts and the token. */
export interface ArmorlakeSecureJsonData {
  readonly token?: string;
  readonly caCert?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}

/** What holds where the settings say nothing. */
export const settingDefaults = {
  timeoutMs: 30_000,
  connectTimeoutMs: 3_000,
  partial: 'warn',
  defaultTable: 'kubearmor.alerts',
  rowLimit: 1_000,
} as const;
