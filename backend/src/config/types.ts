import type { LogLevel } from '../core/index.js';
import type { Address } from './units.js';

export type ProfileName = 'edge' | 'server';

export type KubeArmorStream = 'alerts' | 'logs' | 'messages';

/** Mutual TLS towards a KubeArmor; absolute paths of PEM files. */
export interface ClientTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** The name its certificate is checked against, when that isn't the address (KubeArmor's has one SAN, its IP). */
  readonly serverName: string | null;
}

/** One KubeArmor to pull from. */
export interface KubeArmorConfig {
  /** Unique within the node; it is the `connector` of each row. */
  readonly name: string;
  /** HOST:PORT. */
  readonly address: string;
  /** Cluster of its rows where the events themselves name none; null when not known. */
  readonly cluster: string | null;
  readonly tls: ClientTls | null;
  readonly streams: readonly KubeArmorStream[];
  readonly filters: { readonly alerts: 'all' | 'policy'; readonly logs: 'all' | 'system' };
}

export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** Listen beyond loopback although TLS or tokens are missing. */
  readonly insecure: boolean;
  readonly tls: { readonly cert: string; readonly key: string } | null;
}

/** How long rows are kept, by their arrival, and how much room they take. */
export interface RetentionConfig {
  readonly logsMs: number;
  readonly alertsMs: number;
  readonly ledgerMs: number;
  /** Most bytes of each group; null: its share of the total, when that is exceeded. */
  readonly groupBytes: Readonly<Record<'logs' | 'alerts' | 'ledger', number | null>>;
  /** All groups together; null: the smaller of 2 GiB and 10 % of the disk. */
  readonly totalBytes: number | null;
  /** Always left free on the disk. */
  readonly freeBytes: number;
}

export interface ArchiveConfig {
  /** Absolute path of the folder of Parquet files. */
  readonly dir: string;
  /** Archive files older than this are removed; null: never by age. */
  readonly ageMs: number | null;
  /** The oldest archive files are removed above this; null: never by size. */
  readonly bytes: number | null;
}

export interface IngestLimits {
  readonly logsCommitMs: number;
  readonly alertsCommitMs: number;
  /** Packed batches waiting for the engine; above it logs are dropped before alerts, oldest first. */
  readonly queueBytes: number;
  /** One POST to an intake. */
  readonly bodyBytes: number;
}

export interface EngineLimits {
  /** DuckDB's memory_limit. */
  readonly memoryBytes: number;
  /** The engine process's data segment (`ulimit -d`). */
  readonly dataBytes: number;
  readonly threads: number;
  /** Temporary files of large sorts and joins; 0: never spill. */
  readonly spillBytes: number;
  /** Checkpoint when the WAL is as large. */
  readonly checkpointBytes: number;
  /** Retention, archive and compaction run so often. */
  readonly maintainMs: number;
}

export interface QueryLimits {
  /** Queries that run at once; more of them wait. */
  readonly concurrency: number;
  /** Queries that may wait; one more is refused as BUSY. */
  readonly waiting: number;
  /** Rows of an answer, when the caller asks for no other number. */
  readonly rows: number;
  readonly maxRows: number;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly maxTimeoutMs: number;
}

export interface Limits {
  readonly ingest: IngestLimits;
  readonly engine: EngineLimits;
  readonly query: QueryLimits;
}

/** A node's part in the network of nodes. */
export interface NetworkConfig {
  /** Where other nodes may join; null: nowhere. Port 0 takes a free one. */
  readonly listen: Address | null;
  /** The hubs it joins. */
  readonly join: readonly Address[];
  /** Only `query` may ask other nodes, and be joined by them. */
  readonly role: 'edge' | 'query';
  /** Whether it keeps events of its own. */
  readonly store: boolean;
  /** Go beyond loopback without TLS. */
  readonly insecure: boolean;
  /** Absolute path of a file with the token for hubs without TLS that ask for one; null: none. */
  readonly tokenFile: string | null;
  /** Absolute paths of PEM files: the network's CA, this node's certificate and its key. */
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } | null;
}

/** Everything a node is told, checked and complete; paths are absolute. */
export interface NodeConfig {
  readonly profile: ProfileName;
  readonly name: string;
  /** The cluster it speaks for; null when it isn't one's. */
  readonly cluster: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** Absolute path of the data folder. */
  readonly data: string;
  readonly logLevel: LogLevel;
  readonly http: HttpConfig;
  readonly network: NetworkConfig;
  readonly kubearmor: readonly KubeArmorConfig[];
  readonly redaction: { readonly enabled: boolean };
  readonly retention: RetentionConfig;
  readonly archive: ArchiveConfig | null;
  readonly limits: Limits;
}
