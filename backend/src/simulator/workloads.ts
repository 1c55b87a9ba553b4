/** What a workload does again and again, in the words of `routines.ts`. */
export type RoutineName = 'serve' | 'query' | 'cron' | 'build' | 'scrape' | 'field' | 'operate';

/** A program as it stands in process trees. */
export interface Program {
  readonly path: string;
  readonly args: string;
}

export interface WorkloadSpec {
  readonly namespace: string;
  readonly name: string;
  readonly kind: 'Deployment' | 'StatefulSet' | 'DaemonSet';
  readonly container: string;
  readonly image: string;
  readonly replicas: number;
  readonly uid: number;
  readonly userName: string;
  readonly main: Program;
  readonly shell: string;
  /** How much it does, compared with the others. */
  readonly weight: number;
  readonly routines: readonly RoutineName[];
  /** Files it reads in its daily work. */
  readonly files: readonly string[];
  /** Names it looks up, with the address and port it then connects to. */
  readonly peers: readonly Peer[];
}

export interface Peer {
  readonly domain: string;
  readonly ip: string;
  readonly port: number;
}

const mysql: Peer = { domain: 'mysql.shop.svc.cluster.local', ip: '10.96.14.20', port: 3306 };
const redis: Peer = { domain: 'redis.shop.svc.cluster.local', ip: '10.96.14.31', port: 6379 };
const broker: Peer = { domain: 'mqtt-broker.iot.svc.cluster.local', ip: '10.96.40.9', port: 1883 };
const apiServer: Peer = { domain: 'kubernetes.default.svc.cluster.local', ip: '10.96.0.1', port: 443 };

/** The workloads of the simulated cluster: a shop, its payments, a plant floor, monitoring and a build runner. */
export const WORKLOADS: readonly WorkloadSpec[] = [
  {
    namespace: 'shop',
    name: 'wordpress',
    kind: 'Deployment',
    container: 'wordpress',
    image:
      'docker.io/library/wordpress:6.8-apache@sha256:5b2e3a1f0c9d8e7f6a5b4c3d2e1f00112233445566778899aabbccddeeff0011',
    replicas: 2,
    uid: 33,
    userName: 'www-data',
    main: { path: '/usr/sbin/apache2', args: '-DFOREGROUND' },
    shell: '/bin/bash',
    weight: 8,
    routines: ['serve', 'serve', 'query', 'cron'],
    files: ['/var/www/html/index.php', '/var/www/html/wp-config.php', '/var/www/html/wp-content/plugins/shop/cart.php'],
    peers: [mysql, { domain: 'api.wordpress.org', ip: '198.143.164.252', port: 443 }],
  },
  {
    namespace: 'shop',
    name: 'checkout',
    kind: 'Deployment',
    container: 'checkout',
    image:
      'registry.example.com/shop/checkout:2.14.3@sha256:91c0ffee4a7d6b5c4d3e2f1a0b9c8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c',
    replicas: 2,
    uid: 1000,
    userName: 'node',
    main: { path: '/usr/local/bin/node', args: '/app/server.js' },
    shell: '/bin/sh',
    weight: 7,
    routines: ['serve', 'query'],
    files: ['/app/server.js', '/app/config/production.json', '/etc/ssl/certs/ca-certificates.crt'],
    peers: [redis, { domain: 'payments-api.payments.svc.cluster.local', ip: '10.96.22.8', port: 8443 }],
  },
  {
    namespace: 'shop',
    name: 'mysql',
    kind: 'StatefulSet',
    container: 'mysql',
    image: 'docker.io/library/mysql:8.4@sha256:0aa1bb2cc3dd4ee5ff60718293a4b5c6d7e8f90123456789abcdef0123456789',
    replicas: 1,
    uid: 999,
    userName: 'mysql',
    main: { path: '/usr/sbin/mysqld', args: '--datadir=/var/lib/mysql' },
    shell: '/bin/bash',
    weight: 5,
    routines: ['query', 'cron'],
    files: ['/var/lib/mysql/ibdata1', '/var/lib/mysql/shop/orders.ibd', '/etc/mysql/conf.d/docker.cnf'],
    peers: [],
  },
  {
    namespace: 'shop',
    name: 'redis',
    kind: 'Deployment',
    container: 'redis',
    image: 'docker.io/library/redis:7.4-alpine@sha256:7e1d2c3b4a5968778695a4b3c2d1e0ff00112233445566778899aabbccddee12',
    replicas: 1,
    uid: 999,
    userName: 'redis',
    main: { path: '/usr/local/bin/redis-server', args: '*:6379' },
    shell: '/bin/sh',
    weight: 3,
    routines: ['query'],
    files: ['/data/dump.rdb', '/data/appendonlydir/appendonly.aof.1.incr.aof'],
    peers: [],
  },
  {
    namespace: 'payments',
    name: 'payments-api',
    kind: 'Deployment',
    container: 'api',
    image:
      'registry.example.com/payments/api:5.0.1@sha256:d4c3b2a190807f6e5d4c3b2a19080706f5e4d3c2b1a09f8e7d6c5b4a39281706',
    replicas: 2,
    uid: 1001,
    userName: 'payments',
    main: { path: '/usr/lib/jvm/java-21/bin/java', args: '-Xmx512m -jar /opt/payments/api.jar' },
    shell: '/bin/sh',
    weight: 6,
    routines: ['serve', 'query', 'operate'],
    files: ['/opt/payments/api.jar', '/etc/payments/tls/tls.crt', '/etc/payments/settings.yaml'],
    peers: [{ domain: 'acquirer.example.net', ip: '203.0.113.24', port: 443 }, mysql],
  },
  {
    namespace: 'iot',
    name: 'mqtt-broker',
    kind: 'StatefulSet',
    container: 'mosquitto',
    image:
      'docker.io/library/eclipse-mosquitto:2.0@sha256:3c2b1a0f9e8d7c6b5a493827160504f3e2d1c0bfae9d8c7b6a59483726150403',
    replicas: 1,
    uid: 1883,
    userName: 'mosquitto',
    main: { path: '/usr/sbin/mosquitto', args: '-c /mosquitto/config/mosquitto.conf' },
    shell: '/bin/sh',
    weight: 5,
    routines: ['field'],
    files: ['/mosquitto/config/mosquitto.conf', '/mosquitto/data/mosquitto.db'],
    peers: [],
  },
  {
    namespace: 'iot',
    name: 'plc-gateway',
    kind: 'DaemonSet',
    container: 'gateway',
    image:
      'registry.example.com/plant/plc-gateway:1.9.0@sha256:aa99bb88cc77dd66ee55ff4400331122998877665544332211ffeeddccbbaa00',
    replicas: 1,
    uid: 0,
    userName: 'root',
    main: { path: '/usr/bin/plc-gateway', args: '--bus /dev/ttyUSB0' },
    shell: '/bin/busybox',
    weight: 5,
    routines: ['field', 'operate'],
    files: ['/etc/plc-gateway/registers.toml', '/dev/ttyUSB0'],
    peers: [broker, { domain: 'plc-07.plant.example.com', ip: '192.168.77.7', port: 502 }],
  },
  {
    namespace: 'monitoring',
    name: 'prometheus',
    kind: 'StatefulSet',
    container: 'prometheus',
    image:
      'quay.io/prometheus/prometheus:v3.4.0@sha256:1f2e3d4c5b6a79880716253443526170ffeeddccbbaa99887766554433221100',
    replicas: 1,
    uid: 65534,
    userName: 'nobody',
    main: { path: '/bin/prometheus', args: '--config.file=/etc/prometheus/prometheus.yml' },
    shell: '/bin/busybox',
    weight: 4,
    routines: ['scrape'],
    files: ['/prometheus/wal/00000042', '/etc/prometheus/prometheus.yml'],
    peers: [apiServer, broker, redis],
  },
  {
    namespace: 'ci',
    name: 'runner',
    kind: 'Deployment',
    container: 'runner',
    image:
      'registry.example.com/ci/runner:2026.3@sha256:0f1e2d3c4b5a69788796a5b4c3d2e1f0123456789abcdef0fedcba9876543210',
    replicas: 1,
    uid: 1000,
    userName: 'runner',
    main: { path: '/home/runner/bin/Runner.Listener', args: 'run' },
    shell: '/bin/bash',
    weight: 5,
    routines: ['build', 'operate'],
    files: ['/home/runner/work/shop/package.json', '/home/runner/work/shop/src/index.ts', '/tmp/build/out.tar'],
    peers: [
      { domain: 'github.com', ip: '140.82.121.4', port: 443 },
      { domain: 'packages.example.org', ip: '203.0.113.34', port: 443 },
    ],
  },
];
