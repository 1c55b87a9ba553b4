import type { FlatPairs } from '../../lake/index.js';
import type { Micros } from './time.js';

/** What every event row begins with; names are the columns' (node and seq are the engine's). */
export interface EventRow {
  readonly time: Micros;
  readonly received_at: number;
  readonly connector: string;
  readonly cluster: string | null;
  readonly tags: readonly string[];
  readonly quality: readonly string[];
  readonly host: string | null;
}

/** A row of kubearmor.logs; maps are flat pairs. */
export interface LogRow extends EventRow {
  readonly machine_id: string | null;
  readonly namespace: string | null;
  readonly pod: string | null;
  readonly container: string | null;
  readonly container_id: string | null;
  readonly image: string | null;
  readonly workload_kind: string | null;
  readonly workload: string | null;
  readonly workload_namespace: string | null;
  readonly labels: FlatPairs | null;
  readonly host_pid: number;
  readonly host_ppid: number;
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly user_name: string | null;
  readonly process: string | null;
  readonly parent_process: string | null;
  readonly cwd: string | null;
  readonly tty: string | null;
  readonly type: string | null;
  readonly operation: string | null;
  readonly source: string | null;
  readonly resource: string | null;
  readonly data: string | null;
  readonly event_data: FlatPairs | null;
  readonly result: string | null;
  readonly outcome: 'happened' | 'blocked' | 'failed';
  readonly syscall: string | null;
  readonly direction: string | null;
  readonly remote_ip: string | null;
  readonly remote_port: number | null;
  readonly local_port: number | null;
  readonly protocol: string | null;
  readonly domain: string | null;
  readonly exec_session: string | null;
  readonly exec_name: string | null;
  readonly process_hash: string | null;
  readonly parent_hash: string | null;
  readonly resource_hash: string | null;
  readonly hash_algo: string | null;
}

/** What kubearmor.alerts has besides. */
export interface AlertPart {
  readonly policy: string | null;
  readonly severity: number | null;
  readonly message: string | null;
  readonly action: string | null;
  readonly enforcer: string | null;
  readonly max_alerts_per_sec: number;
  readonly dropping_alerts_interval: number;
  readonly kubearmor_version: string | null;
}

/** A row of kubearmor.alerts: the log's columns, then the alert's own. */
export interface AlertRow {
  readonly log: LogRow;
  readonly alert: AlertPart;
}

/** A row of kubearmor.messages. */
export interface MessageRow extends EventRow {
  readonly host_ip: string | null;
  readonly type: string | null;
  readonly level: string | null;
  readonly message: string | null;
}
