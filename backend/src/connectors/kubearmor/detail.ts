import type { FlatPairs } from '../../lake/index.js';

/**
 * What KubeArmor says of an event in Data, Resource and EventData: pairs as `syscall=SYS_CONNECT fd=10`,
 * `kprobe=tcp_connect domain=AF_INET`, `kfunc=UDP_SENDSKB,domain=api.x,daddr=10.43.0.10,qtype=A`,
 * `remoteip=10.0.0.1 port=443 protocol=TCP`, `sa_family=AF_INET sin_port=53 sin_addr=10.0.0.10` (in any order).
 */
export interface Detail {
  readonly syscall: string | null;
  readonly direction: 'egress' | 'ingress' | 'dns' | null;
  readonly remoteIp: string | null;
  readonly remotePort: number | null;
  readonly protocol: string | null;
  readonly domain: string | null;
}

type Slot =
  | 'probe'
  | 'remoteIp'
  | 'remotePort'
  | 'protocol'
  | 'domain'
  | 'qtype'
  | 'sourceIp'
  | 'sourcePort'
  | 'destinationIp'
  | 'destinationPort';

/** Keys of Data and Resource; EventData has them with a first letter in upper case. */
const slots: Readonly<Record<string, Slot>> = {
  syscall: 'probe',
  kprobe: 'probe',
  kfunc: 'probe',
  lsm: 'probe',
  remoteip: 'remoteIp',
  sin_addr: 'remoteIp',
  sin6_addr: 'remoteIp',
  daddr: 'remoteIp',
  port: 'remotePort',
  sin_port: 'remotePort',
  sin6_port: 'remotePort',
  dport: 'remotePort',
  protocol: 'protocol',
  domain: 'domain',
  qtype: 'qtype',
  sourceIP: 'sourceIp',
  sourcePort: 'sourcePort',
  destinationIP: 'destinationIp',
  destinationPort: 'destinationPort',
};

const slotOfKey = new Map<string, Slot>(
  Object.entries(slots).flatMap(([key, slot]): [string, Slot][] => [
    [key, slot],
    [key.charAt(0).toUpperCase() + key.slice(1), slot],
  ]),
);

const egressProbes = new Set(['tcp_connect', 'SYS_CONNECT', 'SOCKET_CONNECT', 'SECURITY_SOCKET_CONNECT']);
const ingressProbes = new Set([
  'tcp_accept',
  'SYS_ACCEPT',
  'SYS_ACCEPT4',
  'SYS_BIND',
  'SYS_LISTEN',
  'SOCKET_ACCEPT',
  'SOCKET_BIND',
  'SOCKET_LISTEN',
]);
const sendProbes = new Set(['UDP_SENDSKB', 'UDP_SENDMSG', 'SOCKET_SENDMSG', 'SYS_SENDTO']);
/** Their address is the host's own. */
const localProbes = new Set(['SYS_BIND', 'SYS_LISTEN', 'SOCKET_BIND', 'SOCKET_LISTEN']);

/** Reads details; what only needs Data is remembered by its text. */
export class DetailReader {
  /** Data of events that aren't of the network repeats endlessly. */
  readonly #byData = new Map<string, Detail>();

  /** @param eventData flat pairs, empty where the sender gave none */
  read(operation: string, data: string, resource: string, eventData: FlatPairs): Detail {
    if (operation === 'Network' || operation === 'NetworkFirewall') return readNetwork(data, resource, eventData);
    let known = this.#byData.get(data);
    if (known === undefined) {
      known = readProbe(data, none);
      if (data.length <= 512) {
        if (this.#byData.size >= 1024) this.#byData.clear();
        this.#byData.set(data, known);
      }
    }
    // Without a probe in Data the pairs of EventData are all there is.
    return known.syscall === null && eventData.length > 0 ? readProbe(data, eventData) : known;
  }
}

const none: FlatPairs = [];

type Found = Partial<Record<Slot, string>>;

/** Only the probe: other pairs of Data may hold text of the process's own choice (paths of a mount, …). */
function readProbe(data: string, eventData: FlatPairs): Detail {
  const found: Found = {};
  readText(found, data);
  if (found.probe === undefined) readPairs(found, eventData);
  return {
    syscall: found.probe ?? null,
    direction: directionOf(found, ''),
    remoteIp: null,
    remotePort: null,
    protocol: null,
    domain: null,
  };
}

function readNetwork(data: string, resource: string, eventData: FlatPairs): Detail {
  const found: Found = {};
  readPairs(found, eventData);
  // EventData may hold a part only; what it holds counts first.
  readText(found, data);
  readText(found, resource);
  const direction = directionOf(found, resource);
  const probe = found.probe ?? '';
  const local = localProbes.has(probe);
  const incoming = direction === 'ingress';
  const remoteIp = found.remoteIp ?? (incoming ? found.sourceIp : found.destinationIp);
  const remotePort = found.remotePort ?? (incoming ? found.sourcePort : found.destinationPort);
  return {
    syscall: found.probe ?? null,
    direction,
    remoteIp: local ? null : (remoteIp ?? null),
    remotePort: local ? null : portNumber(remotePort),
    protocol: protocolOf(found),
    domain: domainOf(found),
  };
}

function readPairs(found: Found, pairs: FlatPairs): void {
  for (let index = 0; index + 1 < pairs.length; index += 2) take(found, pairs[index] ?? '', pairs[index + 1] ?? '');
}

/** The first of two equal keys counts: what follows may be text of the process's own choice. */
function take(found: Found, key: string, value: string): void {
  const slot = slotOfKey.get(key);
  if (slot === undefined || value === '' || found[slot] !== undefined) return;
  // Some versions put the rest of Data into the first value: Kfunc = `UDP_SENDMSG,domain=…,qtype=A`.
  const comma = value.indexOf(',');
  found[slot] = comma < 0 ? value : value.slice(0, comma);
  if (comma >= 0) readText(found, value.slice(comma + 1));
}

/** `key=value` pairs apart by spaces or commas; words without `=` are passed over. */
function readText(found: Found, text: string): void {
  const length = text.length;
  let start = 0;
  let equals = -1;
  for (let at = 0; at <= length; at++) {
    const code = at === length ? 0x20 : text.charCodeAt(at);
    if (code === 0x3d) {
      if (equals < 0) equals = at;
    } else if (code === 0x20 || code === 0x2c) {
      if (equals > start) take(found, text.slice(start, equals), text.slice(equals + 1, at));
      start = at + 1;
      equals = -1;
    }
  }
}

function directionOf(found: Found, resource: string): Detail['direction'] {
  const probe = found.probe ?? '';
  if (egressProbes.has(probe)) return 'egress';
  if (ingressProbes.has(probe)) return 'ingress';
  if (sendProbes.has(probe)) return found.qtype !== undefined || domainOf(found) !== null ? 'dns' : 'egress';
  if (resource === 'INGRESS') return 'ingress';
  return resource === 'EGRESS' ? 'egress' : null;
}

/** `domain=AF_INET` is the address family of a socket, not a name. */
function domainOf(found: Found): string | null {
  const domain = found.domain;
  return domain === undefined || domain.startsWith('AF_') || /^\d+$/.test(domain) ? null : domain;
}

/** A socket's protocol 0 means its type's default, which the event doesn't name. */
function protocolOf(found: Found): string | null {
  if (found.protocol !== undefined) return found.protocol === '0' ? null : found.protocol;
  if (found.probe?.startsWith('UDP_') === true) return 'UDP';
  return found.probe?.startsWith('tcp_') === true ? 'TCP' : null;
}

function portNumber(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port <= 65_535 ? port : null;
}
