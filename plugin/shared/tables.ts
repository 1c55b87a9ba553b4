import type { ColumnKind } from './columns.js';
import { columnKind } from './columns.js';

/** What the builder knows of the node's own tables; a test holds it against the node's catalog. */
export interface KnownTable {
  readonly name: string;
  /** Where its rows lie in time; null: they say what is so now. */
  readonly time: string | null;
  /** Its end, where a row is a stretch of time (NULL: still open). */
  readonly timeEnd?: string;
  /** Events: (node, seq) identifies a row. */
  readonly event: boolean;
  /** Column → type, as the catalog spells it. */
  readonly columns: ReadonlyMap<string, string>;
  /** Shown when no columns are chosen. */
  readonly usual: readonly string[];
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** `a b c:INTEGER`: VARCHAR where nothing is said. */
function columns(...texts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    texts.flatMap(words).map((word) => {
      const [name = '', type = 'VARCHAR'] = word.split(':');
      return [name, type === 'MAP' ? 'MAP(VARCHAR, VARCHAR)' : type] as const;
    }),
  );
}

const everyEvent =
  'time:TIMESTAMP received_at:TIMESTAMP node seq:BIGINT connector cluster tags:VARCHAR[] quality:VARCHAR[]';
const ofKubeArmor = `host machine_id namespace pod container container_id image workload_kind workload
  workload_namespace labels:MAP host_pid:INTEGER host_ppid:INTEGER pid:INTEGER ppid:INTEGER uid:BIGINT user_name process
  parent_process cwd tty type operation source resource data event_data:MAP result outcome syscall direction remote_ip
  remote_port:INTEGER local_port:INTEGER protocol domain exec_session exec_name process_hash parent_hash resource_hash hash_algo`;
const ofAlerts = `policy severity:UTINYINT message action enforcer max_alerts_per_sec:INTEGER
  dropping_alerts_interval:INTEGER kubearmor_version`;

export const knownTables: readonly KnownTable[] = [
  {
    name: 'kubearmor.alerts',
    time: 'time',
    event: true,
    columns: columns(everyEvent, ofKubeArmor, ofAlerts),
    usual: words('time node seq namespace pod policy severity operation process resource action outcome message'),
  },
  {
    name: 'kubearmor.logs',
    time: 'time',
    event: true,
    columns: columns(everyEvent, ofKubeArmor),
    usual: words('time node seq host namespace pod container operation process resource outcome'),
  },
  {
    name: 'kubearmor.events',
    time: 'time',
    event: true,
    columns: columns('kind', everyEvent, ofKubeArmor, ofAlerts),
    usual: words('time node seq kind namespace pod operation process resource outcome policy severity'),
  },
  {
    name: 'kubearmor.messages',
    time: 'time',
    event: true,
    columns: columns(everyEvent, 'host host_ip type level message'),
    usual: words('time node seq host level message'),
  },
  {
    name: 'armorlake.ledger',
    time: 'minute',
    event: false,
    columns: columns(
      'minute:TIMESTAMP node connector stream received:BIGINT stored:BIGINT dead_lettered:BIGINT dropped:BIGINT reason',
    ),
    usual: words('minute node connector stream received stored dead_lettered dropped reason'),
  },
  {
    name: 'armorlake.gaps',
    time: 'from_time',
    timeEnd: 'to_time',
    event: false,
    columns: columns('node connector stream from_time:TIMESTAMP to_time:TIMESTAMP cause estimated:BIGINT'),
    usual: words('from_time to_time node connector stream cause estimated'),
  },
  {
    name: 'armorlake.dead_letters',
    time: 'time',
    event: false,
    columns: columns('time:TIMESTAMP node connector stream seq:BIGINT error bytes:BLOB'),
    usual: words('time node connector stream seq error'),
  },
  {
    name: 'armorlake.queries',
    time: 'time',
    event: false,
    columns: columns(
      'time:TIMESTAMP node id who origin sql fragments:INTEGER rows:BIGINT bytes:BIGINT ms:DOUBLE error via',
    ),
    usual: words('time node who origin sql rows bytes ms error'),
  },
  {
    name: 'armorlake.node_metrics',
    time: 'time',
    event: false,
    columns: columns(
      `time:TIMESTAMP node version profile seconds:DOUBLE cpu_seconds:DOUBLE rss_bytes:BIGINT written_bytes:BIGINT
      network_sent_bytes:BIGINT network_received_bytes:BIGINT ingest_lag_seconds:DOUBLE events:BIGINT
      engine_restarts:INTEGER lake_bytes:BIGINT wal_bytes:BIGINT archive_bytes:BIGINT disk_limit_bytes:BIGINT
      disk_free_bytes:BIGINT certificate_expires:TIMESTAMP`,
    ),
    usual: words('time node version seconds cpu_seconds rss_bytes written_bytes ingest_lag_seconds events'),
  },
  {
    name: 'armorlake.archive',
    time: null,
    event: false,
    columns: columns(
      'table_name first_seq:BIGINT last_seq:BIGINT min_time:TIMESTAMP max_time:TIMESTAMP rows:BIGINT bytes:BIGINT file sha256',
    ),
    usual: words('table_name first_seq last_seq min_time max_time rows bytes file'),
  },
  {
    name: 'armorlake.connectors',
    time: null,
    event: false,
    columns: columns(
      'node name kind state since:TIMESTAMP last_event:TIMESTAMP rate:DOUBLE breaks:BIGINT version detail',
    ),
    usual: words('node name kind state since last_event rate breaks detail'),
  },
  {
    name: 'armorlake.nodes',
    time: null,
    event: false,
    columns: columns(
      'name role state version labels:MAP last_contact:TIMESTAMP clock_offset_ms:DOUBLE tables:VARCHAR[]',
    ),
    usual: words('name role state version labels last_contact clock_offset_ms'),
  },
];

/** What is known of a table; of one of a newer node: that it has `time`, as all its event tables do. */
export function tableOf(name: string): KnownTable {
  return (
    knownTables.find((table) => table.name === name.trim().toLowerCase()) ?? {
      name,
      time: 'time',
      event: false,
      columns: new Map(),
      usual: [],
    }
  );
}

/** The columns shown when none are chosen; empty for a table that this version does not know: all of them. */
export function usualColumns(table: string): readonly string[] {
  return tableOf(table).usual;
}

/** What a column means; `text` for one of a table or column that this version does not know. */
export function kindOf(table: string, column: string, key?: string): ColumnKind {
  if (key !== undefined) return 'text';
  const type = tableOf(table).columns.get(column);
  return type === undefined ? 'text' : columnKind({ name: column, type });
}
