/** Longest string stored, in bytes of UTF-8. */
export const CAP_BYTES = 1 << 20;

/** KubeArmor's field (as its decoder names it) → our column, where a repair is marked. */
const columnOf: Readonly<Record<string, string>> = {
  updatedTime: 'time',
  clusterName: 'cluster',
  hostName: 'host',
  namespaceName: 'namespace',
  podName: 'pod',
  containerId: 'container_id',
  containerName: 'container',
  containerImage: 'image',
  parentProcessName: 'parent_process',
  processName: 'process',
  nodeId: 'machine_id',
  'owner.ref': 'workload_kind',
  'owner.name': 'workload',
  'owner.namespace': 'workload_namespace',
  'execEvent.execId': 'exec_session',
  'execEvent.executableName': 'exec_name',
  processHash: 'process_hash',
  parentHash: 'parent_hash',
  resourceHash: 'resource_hash',
  hashAlgo: 'hash_algo',
  eventData: 'event_data',
  userName: 'user_name',
  policyName: 'policy',
  aTags: 'tags',
  kubeArmorVersion: 'kubearmor_version',
  hostIp: 'host_ip',
  timestamp: 'time',
  hostPid: 'host_pid',
  hostPpid: 'host_ppid',
  owner: 'workload',
  execEvent: 'exec_session',
  maxAlertsPerSec: 'max_alerts_per_sec',
  droppingAlertsInterval: 'dropping_alerts_interval',
};

/** The column a field of KubeArmor's decoder goes to: `podName` → `pod`. */
export function columnOfField(field: string): string {
  return columnOf[field] ?? field;
}

/** Marks that say that something of the original is not in the row: its bytes are then kept beside it. */
export function losesOriginal(mark: string): boolean {
  return /^(utf8|capped|range|type):|:(text|duplicate|unknown)$/.test(mark);
}

/** The first CAP_BYTES of a text's UTF-8, cut between characters; the text itself when it isn't longer. */
export function capText(text: string): string {
  // Each UTF-16 unit takes 1 to 3 bytes.
  if (text.length * 3 <= CAP_BYTES || Buffer.byteLength(text) <= CAP_BYTES) return text;
  const bytes = Buffer.from(text);
  let end = CAP_BYTES;
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/**
 * A copy of a decoded message with its strings capped; `mark` is told each field that was. Only messages above
 * CAP_BYTES need it.
 */
export function capFields<Fields extends object>(fields: Fields, mark: (field: string) => void): Fields {
  const capped: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    capped[name] = capValue(value, () => mark(name), name, mark);
  }
  return { ...fields, ...capped };
}

function capValue(value: unknown, mark: () => void, name: string, markNested: (field: string) => void): unknown {
  if (typeof value === 'string') {
    const capped = capText(value);
    if (capped !== value) mark();
    return capped;
  }
  if (Array.isArray(value)) return value.map((item) => capValue(item, mark, name, markNested));
  if (typeof value === 'object' && value !== null) return capFields(value, (inner) => markNested(`${name}.${inner}`));
  return value;
}
