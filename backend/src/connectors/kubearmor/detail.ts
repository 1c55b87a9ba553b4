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
  /** Our own port of a connection that came in, or of a socket that waits for one. */
  readonly localPort: number | null;
  readonly protocol: string | null;
  readonly domain: string | null;
}

type Slot =
  | 'probe'
  | 'remoteIp'
  | 'remotePort'
  | 'protocol'
  | 'socketType'
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
  type: 'socketType',
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
    localPort: null,
    protocol: null,
    domain: null,
  };
}

function readNetwork(data: string, resource: string, eventData: FlatPairs): Detail {
  const found: Found = {};
  if (isUnixSocket(resource, eventData)) {
    // A path is text of the process's own choice: nothing in it tells of an address.
    const { syscall, direction, ...none } = readProbe(data, eventData);
    return { ...none, syscall, direction };
  }
  readPairs(found, eventData);
  // EventData may hold a part only; what it holds counts first.
  readData(found, data);
  readText(found, resource);
  const direction = directionOf(found, resource);
  const protocol = protocolOf(found);
  return { syscall: found.probe ?? null, direction, ...endsOf(found, direction), protocol, domain: domainOf(found) };
}

const unixFamily = /^AF_(?:UNIX|LOCAL)$/;

function isUnixSocket(resource: string, eventData: FlatPairs): boolean {
  for (let index = 0; index + 1 < eventData.length; index += 2) {
    const key = eventData[index];
    if (key === 'Sun_path' || key === 'sun_path') return true;
    if ((key === 'Sa_family' || key === 'sa_family') && unixFamily.test(eventData[index + 1] ?? '')) return true;
  }
  return /(?:^| )(?:sun_path=|sa_family=AF_(?:UNIX|LOCAL)(?: |$))/.test(resource);
}

/** Whose the address and the port of an event are: the peer's or our own. */
function endsOf(found: Found, direction: Detail['direction']): Pick<Detail, 'remoteIp' | 'remotePort' | 'localPort'> {
  const probe = found.probe ?? '';
  const port = portNumber(found.remotePort);
  if (localProbes.has(probe)) return { remoteIp: null, remotePort: null, localPort: port };
  const [ip, remote, local] =
    direction === 'ingress'
      ? [found.sourceIp, found.sourcePort, found.destinationPort]
      : [found.destinationIp, found.destinationPort, found.sourcePort];
  const remoteIp = found.remoteIp ?? ip ?? null;
  // The kernel knows a socket that it accepts by its own port.
  if (probe === 'tcp_accept') return { remoteIp, remotePort: null, localPort: port };
  return { remoteIp, remotePort: port ?? portNumber(remote), localPort: portNumber(local) };
}

function readPairs(found: Found, pairs: FlatPairs): void {
  for (let index = 0; index + 1 < pairs.length; index += 2) take(found, pairs[index] ?? '', pairs[index + 1] ?? '');
}

/** The first of two equal keys counts: what follows may be text of the process's own choice. */
function take(found: Found, key: string, value: string): void {
  const slot = slotOfKey.get(key);
  if (slot === undefined || value === '' || found[slot] !== undefined) return;
  // Some versions put the rest of Data into the first value: Kfunc = `UDP_SENDMSG,domain=…,qtype=A`.
  const comma = slot === 'probe' ? value.indexOf(',') : -1;
  found[slot] = comma < 0 ? value : value.slice(0, comma);
  if (comma >= 0) readData(found, value.slice(comma + 1));
}

/** As `readText`; the name that a DNS question asks for is text of the process's own choice, and may look like pairs. */
function readData(found: Found, text: string): void {
  const name = /(?:^|[ ,])domain=/.exec(text);
  const head = name === null ? text : text.slice(0, name.index);
  readText(found, head);
  if (name === null) return;
  if (!sendProbes.has(found.probe ?? '')) {
    readText(found, text.slice(name.index));
    return;
  }
  const rest = text.slice(name.index + name[0].length);
  // KubeArmor's own pairs stand behind the name: the last ones are its.
  const end = pairsBehind(rest);
  take(found, 'domain', rest.slice(0, end));
  readText(found, rest.slice(end));
}

function pairsBehind(text: string): number {
  const behind = /(?:[ ,]daddr=[^ ,]*)?(?:[ ,]qtype=[^ ,]*)?$/.exec(text);
  return behind === null ? text.length : behind.index;
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

/** By KubeArmor's words: `TCPv6` is TCP; 0 and `HOPOPT`, as newer ones write it, stand for the default of a socket's type. */
function protocolOf({ protocol, probe, domain, socketType }: Found): string | null {
  if (protocol === '0' || protocol === 'HOPOPT') {
    if (domain?.startsWith('AF_INET') !== true) return null;
    const [type] = socketType?.split('|') ?? [];
    return type === 'SOCK_STREAM' ? 'TCP' : type === 'SOCK_DGRAM' ? 'UDP' : null;
  }
  if (protocol !== undefined) return /^(?:TCP|UDP)v6$/.test(protocol) ? protocol.slice(0, 3) : protocol;
  if (probe?.startsWith('UDP_') === true) return 'UDP';
  return probe?.startsWith('tcp_') === true ? 'TCP' : null;
}

/** 0 is no port: ICMP has none, and a connect() that only asks for a route names none. */
function portNumber(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port > 0 && port <= 65_535 ? port : null;
}
