import type { Act } from './acts.js';
import {
  acceptAct,
  capabilityAct,
  connectAct,
  dnsAct,
  execAct,
  missingAct,
  openAct,
  socketAct,
  unlinkActs,
} from './acts.js';
import type { Random } from './random.js';
import type { Peer, RoutineName, WorkloadSpec } from './workloads.js';
import type { Place } from './world.js';

/** A run of acts that belong together; others may happen in between. */
export type Routine = Iterator<Act, void>;

type RoutineMaker = (place: Place, workload: WorkloadSpec, random: Random) => Generator<Act, void>;

const MAKERS: Readonly<Record<RoutineName, RoutineMaker>> = {
  *serve(place, workload, random) {
    yield acceptAct(place, place.main, `10.244.${random.between(0, 5)}.${random.between(2, 250)}`, 8080);
    yield openAct(place, place.main, random.pick(workload.files));
    if (random.chance(0.3)) yield socketAct(place, place.main);
    if (workload.peers.length > 0) yield* talkTo(place, random.pick(workload.peers), random);
  },
  *query(place, workload, random) {
    if (workload.peers.length > 0 && random.chance(0.6)) yield* talkTo(place, random.pick(workload.peers), random);
    for (let reads = random.between(1, 3); reads > 0; reads -= 1) {
      yield openAct(place, place.main, random.pick(workload.files), random.chance(0.3));
    }
    if (random.chance(0.1)) yield missingAct(place, place.main, `/etc/ssl/private/${workload.name}.pem`);
  },
  *cron(place, workload, random) {
    const shell = place.fork(place.main, workload.shell, '-c "/usr/local/bin/backup.sh --nightly"', random);
    yield execAct(place, shell);
    const find = place.fork(shell, '/usr/bin/find', '/tmp -name "sess_*" -mmin +60', random);
    yield execAct(place, find);
    yield openAct(place, find, '/tmp');
    const session = `/tmp/sess_${random.hex(12)}`;
    yield* unlinkActs(place, find, session);
    const gzip = place.fork(shell, '/usr/bin/gzip', '-9 /var/backups/db.sql', random);
    yield execAct(place, gzip);
    yield openAct(place, gzip, '/var/backups/db.sql.gz', true);
  },
  *build(place, workload, random) {
    const bash = place.fork(place.main, '/bin/bash', '-e /home/runner/work/_temp/build.sh', random);
    yield execAct(place, bash);
    const git = place.fork(bash, '/usr/bin/git', 'fetch --depth=1 origin main', random);
    yield execAct(place, git);
    const [source, registry] = workload.peers;
    if (source !== undefined) yield* talkTo(place, source, random, git);
    const npm = place.fork(bash, '/usr/local/bin/node', '/usr/local/bin/npm ci --no-audit', random);
    yield execAct(place, npm);
    if (registry !== undefined) yield* talkTo(place, registry, random, npm);
    for (let files = random.between(2, 5); files > 0; files -= 1)
      yield openAct(place, npm, random.pick(workload.files));
    yield openAct(place, npm, `/tmp/build/out-${random.hex(6)}.tar`, true);
  },
  *scrape(place, workload, random) {
    yield* talkTo(place, random.pick(workload.peers), random);
    yield connectAct(place, place.main, `10.244.${random.between(0, 5)}.${random.between(2, 250)}`, 9100);
    yield openAct(place, place.main, random.pick(workload.files), true);
  },
  *field(place, workload, random) {
    yield acceptAct(place, place.main, `192.168.77.${random.between(2, 40)}`, 1883);
    yield openAct(place, place.main, random.pick(workload.files));
    if (workload.peers.length > 0) yield* talkTo(place, random.pick(workload.peers), random);
    if (random.chance(0.05)) yield capabilityAct(place, place.main, 'net_raw');
  },
  *operate(place, workload, random) {
    // Somebody looks into the container by hand, now and then.
    if (!random.chance(0.08)) {
      yield openAct(place, place.main, random.pick(workload.files));
      return;
    }
    const shell = place.enter(workload.shell, random);
    yield execAct(place, shell);
    for (const [path, args] of random.pick(SESSIONS)) {
      const tool = place.fork(shell, path, args, random);
      yield execAct(place, tool);
      if (path === '/bin/cat' || path === '/usr/bin/tail') yield openAct(place, tool, args.replace(/^-\S+ \S+ /, ''));
    }
  },
};

const SESSIONS: readonly (readonly (readonly [string, string])[])[] = [
  [
    ['/bin/ls', '-la /etc'],
    ['/bin/ps', 'aux'],
    ['/usr/bin/tail', '-n 100 /var/log/app.log'],
  ],
  [
    ['/usr/bin/env', ''],
    ['/bin/cat', '/etc/resolv.conf'],
    ['/usr/bin/curl', '-s -H "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.c2VjcmV0.c2ln" http://10.96.22.8:8080/health'],
  ],
  [
    ['/usr/bin/mysql', '-h mysql.shop -u report --password hunter2 -e "select count(*) from orders"'],
    ['/usr/bin/df', '-h'],
  ],
];

/** The host's own life: services, logins, timers. */
function* keepHouse(place: Place, random: Random): Generator<Act, void> {
  const kind = random.between(0, 2);
  if (kind === 0) {
    const timer = place.fork(place.main, '/usr/lib/systemd/systemd-executor', '--deserialize 42', random);
    yield execAct(place, timer);
    yield openAct(place, timer, '/etc/machine-id');
    return;
  }
  if (kind === 1) {
    const sshd = place.fork(place.main, '/usr/sbin/sshd', '-D -R', random);
    yield execAct(place, sshd);
    yield acceptAct(place, sshd, `10.20.0.${random.between(2, 9)}`, 22);
    yield openAct(place, sshd, '/etc/ssh/sshd_config');
    return;
  }
  const kubelet = place.fork(place.main, '/usr/bin/kubelet', '--config=/var/lib/kubelet/config.yaml', random);
  yield connectAct(place, kubelet, '10.96.0.1', 443);
  yield socketAct(place, kubelet);
}

function* talkTo(place: Place, peer: Peer, random: Random, who = place.main): Generator<Act, void> {
  if (random.chance(0.4)) yield dnsAct(place, who, peer.domain, random);
  yield connectAct(place, who, peer.ip, peer.port);
}

/** The next thing this place does on an ordinary day. */
export function routineOf(place: Place, random: Random): Routine {
  const { workload } = place;
  return workload === undefined
    ? keepHouse(place, random)
    : MAKERS[random.pick(workload.routines)](place, workload, random);
}
