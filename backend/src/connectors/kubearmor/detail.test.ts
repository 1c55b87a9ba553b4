import { describe, expect, it } from 'vitest';
import type { Detail } from './detail.js';
import { DetailReader } from './detail.js';

const nothing: Detail = {
  syscall: null,
  direction: null,
  remoteIp: null,
  remotePort: null,
  localPort: null,
  protocol: null,
  domain: null,
};

interface Case {
  readonly operation?: string;
  readonly data?: string;
  readonly resource?: string;
  readonly eventData?: readonly string[];
}

function read({ operation = 'Network', data = '', resource = '', eventData = [] }: Case): Detail {
  return new DetailReader().read(operation, data, resource, eventData);
}

describe('DetailReader', () => {
  it.each<[string, Case, Partial<Detail>]>([
    [
      'a TCP connection',
      {
        data: 'kprobe=tcp_connect domain=AF_INET',
        resource: 'remoteip=10.43.13.15 port=10250 protocol=TCP remotehost=svc/shop/redis',
      },
      { syscall: 'tcp_connect', direction: 'egress', remoteIp: '10.43.13.15', remotePort: 10250, protocol: 'TCP' },
    ],
    [
      'an accepted TCP connection over IPv6',
      { data: 'kprobe=tcp_accept domain=AF_INET6', resource: 'remoteip=fd00::1 port=443 protocol=TCP' },
      { syscall: 'tcp_accept', direction: 'ingress', remoteIp: 'fd00::1', localPort: 443, protocol: 'TCP' },
    ],
    [
      'connect() with its keys in one order',
      { data: 'syscall=SYS_CONNECT fd=10', resource: 'sa_family=AF_INET sin_port=53 sin_addr=10.0.0.10' },
      { syscall: 'SYS_CONNECT', direction: 'egress', remoteIp: '10.0.0.10', remotePort: 53 },
    ],
    [
      'connect() with its keys in another order',
      { data: 'syscall=SYS_CONNECT fd=10', resource: 'sin_addr=10.0.0.10 sin_port=53 sa_family=AF_INET' },
      { syscall: 'SYS_CONNECT', direction: 'egress', remoteIp: '10.0.0.10', remotePort: 53 },
    ],
    [
      'connect() over IPv6',
      { data: 'syscall=SYS_CONNECT fd=10', resource: 'sin6_port=443 sa_family=AF_INET6 sin6_addr=fd00::2' },
      { syscall: 'SYS_CONNECT', direction: 'egress', remoteIp: 'fd00::2', remotePort: 443 },
    ],
    [
      'a DNS question, apart by spaces',
      {
        data: 'kfunc=UDP_SENDSKB domain=api.shop.svc daddr=10.43.0.10 qtype=AAAA',
        resource: 'sa_family=AF_INET sin_port=53',
      },
      {
        syscall: 'UDP_SENDSKB',
        direction: 'dns',
        remoteIp: '10.43.0.10',
        remotePort: 53,
        protocol: 'UDP',
        domain: 'api.shop.svc',
      },
    ],
    [
      'a DNS question, apart by commas, also in EventData',
      {
        data: 'kfunc=UDP_SENDMSG,domain=google.com,daddr=10.43.0.10,qtype=A',
        resource: 'sa_family=AF_INET sin_port=53',
        eventData: [
          'Kfunc',
          'UDP_SENDMSG,domain=google.com,daddr=10.43.0.10,qtype=A',
          'Sa_family',
          'AF_INET',
          'Sin_port',
          '53',
        ],
      },
      {
        syscall: 'UDP_SENDMSG',
        direction: 'dns',
        remoteIp: '10.43.0.10',
        remotePort: 53,
        protocol: 'UDP',
        domain: 'google.com',
      },
    ],
    [
      'EventData with a part of it only',
      {
        data: 'kfunc=UDP_SENDSKB,domain=x.example,daddr=10.96.0.10,qtype=A',
        resource: 'sa_family=AF_INET sin_port=53 sin_addr=10.96.0.10',
        eventData: ['Kfunc', 'UDP_SENDSKB,domain=x.example,daddr=10.96.0.10,qtype=A'],
      },
      {
        syscall: 'UDP_SENDSKB',
        direction: 'dns',
        remoteIp: '10.96.0.10',
        remotePort: 53,
        protocol: 'UDP',
        domain: 'x.example',
      },
    ],
    [
      'a blocked DNS question',
      { data: 'lsm=SOCKET_SENDMSG domain=google.com.svc', resource: 'google.com' },
      { syscall: 'SOCKET_SENDMSG', direction: 'dns', domain: 'google.com.svc' },
    ],
    [
      'a datagram that asks nothing',
      { data: 'kfunc=UDP_SENDMSG daddr=10.0.0.1 dport=123' },
      { syscall: 'UDP_SENDMSG', direction: 'egress', remoteIp: '10.0.0.1', remotePort: 123, protocol: 'UDP' },
    ],
    [
      'a socket, whose domain is an address family',
      { data: 'syscall=SYS_SOCKET', resource: 'domain=AF_UNIX type=SOCK_STREAM|SOCK_CLOEXEC protocol=0' },
      { syscall: 'SYS_SOCKET' },
    ],
    [
      'a raw socket',
      { data: 'syscall=SYS_SOCKET', resource: 'domain=AF_INET type=SOCK_RAW protocol=ICMP' },
      { syscall: 'SYS_SOCKET', protocol: 'ICMP' },
    ],
    [
      'bind(), whose address is our own',
      { data: 'syscall=SYS_BIND fd=3', resource: 'sa_family=AF_INET sin_port=8080 sin_addr=0.0.0.0' },
      { syscall: 'SYS_BIND', direction: 'ingress', localPort: 8080 },
    ],
    [
      'the network firewall, inwards',
      {
        operation: 'NetworkFirewall',
        resource: 'INGRESS',
        data: 'SourceIP=192.168.29.42 SourcePort=53262 DestinationIP=192.168.29.76 DestinationPort=22 Protocol=TCP',
      },
      { direction: 'ingress', remoteIp: '192.168.29.42', remotePort: 53262, localPort: 22, protocol: 'TCP' },
    ],
    [
      'the network firewall, outwards',
      {
        operation: 'NetworkFirewall',
        resource: 'EGRESS',
        eventData: [
          'SourceIP',
          '10.0.0.1',
          'SourcePort',
          '1',
          'DestinationIP',
          '10.0.0.2',
          'DestinationPort',
          '22',
          'Protocol',
          'TCP',
        ],
      },
      { direction: 'egress', remoteIp: '10.0.0.2', remotePort: 22, localPort: 1, protocol: 'TCP' },
    ],
    [
      'EventData before Data',
      {
        data: 'kprobe=tcp_connect',
        resource: 'remoteip=1.1.1.1 port=1',
        eventData: ['Kprobe', 'tcp_accept', 'Remoteip', '2.2.2.2', 'Port', '2'],
      },
      { syscall: 'tcp_accept', direction: 'ingress', remoteIp: '2.2.2.2', localPort: 2, protocol: 'TCP' },
    ],
    [
      'an opened file',
      { operation: 'File', data: 'syscall=SYS_OPENAT fd=-100 flags=O_RDONLY' },
      { syscall: 'SYS_OPENAT' },
    ],
    ['an LSM hook', { operation: 'Process', data: 'lsm=SECURITY_BPRM_CHECK' }, { syscall: 'SECURITY_BPRM_CHECK' }],
    [
      'a mount that pretends to be a connection',
      {
        operation: 'Syscall',
        data: 'syscall=SYS_MOUNT source=x syscall=SYS_CONNECT remoteip=6.6.6.6 domain=evil.example',
      },
      { syscall: 'SYS_MOUNT' },
    ],
    ['EventData alone', { operation: 'File', eventData: ['Syscall', 'SYS_UNLINK'] }, { syscall: 'SYS_UNLINK' }],
    [
      'a port that is none',
      { data: 'kprobe=tcp_connect', resource: 'remoteip=1.1.1.1 port=70000' },
      { syscall: 'tcp_connect', direction: 'egress', remoteIp: '1.1.1.1', protocol: 'TCP' },
    ],
    [
      'a Unix socket whose path pretends to be an address, in any order',
      {
        data: 'syscall=SYS_CONNECT fd=6',
        resource:
          'sun_path=/tmp/x sin_addr=203.0.113.9 sin_port=443 protocol=UDP domain=evil.example sa_family=AF_INET',
        eventData: ['Sin_addr', '203.0.113.9', 'Sun_path', '/tmp/x'],
      },
      { syscall: 'SYS_CONNECT', direction: 'egress' },
    ],
    [
      'a DNS question for a name that pretends to be an answer',
      { data: 'kfunc=UDP_SENDSKB domain=evil daddr=203.0.113.9 qtype=A x daddr=10.0.0.10 qtype=AAAA' },
      {
        syscall: 'UDP_SENDSKB',
        direction: 'dns',
        remoteIp: '10.0.0.10',
        protocol: 'UDP',
        domain: 'evil daddr=203.0.113.9 qtype=A x',
      },
    ],
    [
      'a blocked DNS question for such a name',
      { data: 'lsm=SOCKET_SENDMSG domain=a port=7', eventData: ['Domain', 'a,daddr=203.0.113.9'] },
      { syscall: 'SOCKET_SENDMSG', direction: 'dns', domain: 'a,daddr=203.0.113.9' },
    ],
    [
      'the default protocol of a stream socket, as newer ones write it',
      { data: 'syscall=SYS_SOCKET', resource: 'domain=AF_INET6 type=SOCK_STREAM|SOCK_CLOEXEC protocol=HOPOPT' },
      { syscall: 'SYS_SOCKET', protocol: 'TCP' },
    ],
    [
      'the default protocol of a datagram socket',
      { data: 'syscall=SYS_SOCKET', resource: 'domain=AF_INET type=SOCK_DGRAM protocol=0' },
      { syscall: 'SYS_SOCKET', protocol: 'UDP' },
    ],
    [
      'TCP over IPv6, which is TCP',
      { data: 'kprobe=tcp_connect domain=AF_INET6', resource: 'remoteip=fd00::1 port=443 protocol=TCPv6' },
      { syscall: 'tcp_connect', direction: 'egress', remoteIp: 'fd00::1', remotePort: 443, protocol: 'TCP' },
    ],
    [
      'ICMP, which has no port',
      { data: 'kprobe=tcp_connect', resource: 'remoteip=192.0.2.1 port=0 protocol=ICMP' },
      { syscall: 'tcp_connect', direction: 'egress', remoteIp: '192.0.2.1', protocol: 'ICMP' },
    ],
    ['nothing', {}, {}],
    ['separators only', { data: ' , ,= ,=x ', resource: ',,,' }, {}],
  ])('reads %s', (_name, given, expected) => {
    expect(read(given)).toEqual({ ...nothing, ...expected });
  });

  it('remembers Data without mixing up EventData', () => {
    const reader = new DetailReader();
    expect(reader.read('File', '', '', ['Syscall', 'SYS_OPEN']).syscall).toBe('SYS_OPEN');
    expect(reader.read('File', '', '', ['Syscall', 'SYS_CLOSE']).syscall).toBe('SYS_CLOSE');
    expect(reader.read('File', '', '', []).syscall).toBeNull();
    expect(reader.read('File', 'syscall=SYS_OPEN', '', []).syscall).toBe('SYS_OPEN');
  });
});
