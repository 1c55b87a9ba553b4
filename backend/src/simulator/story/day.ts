import { acceptAct, capabilityAct, connectAct, dnsAct, missingAct, openAct, socketAct, unlinkActs } from '../acts.js';
import type { Random } from '../random.js';
import type { Peer } from '../workloads.js';
import type { Place, Process } from '../world.js';
import type { Part } from './strand.js';
import { Hand, HOUR } from './strand.js';

/** What a place does on an ordinary day: nothing that a rule of `provisioning/alerting` is about. */
interface Day {
  /** Again and again, one of them picked at a time; all of them in the first hour, so that nothing later is new. */
  readonly often: readonly ((hand: Hand) => Part)[];
  /** At a minute of every hour. */
  readonly hourly: (hand: Hand) => Part;
  /** At night the hourly job is long. */
  readonly nightly?: true;
}

/** Within a routine one act follows another at once. */
const AT_ONCE = 0.02;
/** Too short for anybody to have typed it. */
const SOON = 0.4;
const TYPED = 9;

const pod = (random: Random): string => `10.244.${random.between(0, 5)}.${random.between(2, 250)}`;
const peersOf = ({ place: { workload } }: Hand): readonly Peer[] => workload?.peers ?? [];

function* talk(hand: Hand, peer: Peer | undefined, who: Process = hand.place.main): Part {
  if (peer === undefined) return;
  if (hand.random.chance(0.3)) yield hand.does(AT_ONCE, dnsAct(hand.place, who, peer.domain, hand.random));
  yield hand.does(AT_ONCE, connectAct(hand.place, who, peer.ip, peer.port));
}

function* reads(hand: Hand, share: number): Part {
  const { place, random } = hand;
  for (const file of place.workload?.files ?? []) {
    if (random.chance(share)) yield hand.does(AT_ONCE, openAct(place, place.main, file));
  }
}

/** A request comes in: files are read, and one of the peers is asked. */
const serve = (port: number, peer: number) =>
  function* (hand: Hand): Part {
    const { place, random } = hand;
    yield hand.does(AT_ONCE, acceptAct(place, place.main, pod(random), port));
    yield* reads(hand, 0.5);
    if (random.chance(0.2)) yield hand.does(AT_ONCE, socketAct(place, place.main));
    yield* talk(hand, peersOf(hand)[peer]);
  };

/** A job of a script and its tools; they are the same at any hour. */
const job = (path: string, args: string, folder: string) =>
  function* (hand: Hand): Part {
    const { place, random } = hand;
    const script = yield* hand.starts(AT_ONCE, place.main, path, args);
    const find = yield* hand.starts(SOON, script, '/usr/bin/find', `${folder} -name "*.tmp" -mmin +60`);
    yield hand.does(AT_ONCE, openAct(place, find, folder));
    for (const act of unlinkActs(place, find, `${folder}/${random.hex(8)}.tmp`)) yield hand.does(AT_ONCE, act);
    const gzip = yield* hand.starts(SOON, script, '/usr/bin/gzip', `-9 ${folder}/dump.${random.hex(4)}`);
    yield hand.does(AT_ONCE, openAct(place, gzip, `${folder}/dump.gz`, true));
  };

const DAYS: Readonly<Record<string, Day>> = {
  wordpress: {
    often: [
      serve(8080, 0),
      serve(8080, 0),
      function* (hand) {
        const { place } = hand;
        const php = yield* hand.starts(AT_ONCE, place.main, '/usr/local/bin/php', '/var/www/html/wp-cron.php');
        yield hand.does(AT_ONCE, openAct(place, php, '/var/www/html/wp-cron.php'));
        yield* talk(hand, peersOf(hand)[1], php);
      },
    ],
    hourly: job('/usr/local/bin/php', '/var/www/html/backup.php', '/var/backups'),
    nightly: true,
  },
  mysql: {
    often: [
      function* (hand) {
        const { place, random } = hand;
        yield hand.does(AT_ONCE, acceptAct(place, place.main, pod(random), 3306));
        yield hand.does(AT_ONCE, openAct(place, place.main, '/var/lib/mysql/shop/orders.ibd', random.chance(0.4)));
        if (random.chance(0.02)) {
          yield hand.does(AT_ONCE, missingAct(place, place.main, '/etc/ssl/private/mysql.pem'));
        }
      },
    ],
    hourly: job('/bin/bash', '-c /usr/local/bin/dump.sh', '/var/lib/mysql/dump'),
    nightly: true,
  },
  'payments-api': {
    often: [serve(8443, 0), serve(8443, 0), serve(8443, 1)],
    *hourly(hand) {
      const { place } = hand;
      const certificate = '/etc/payments/tls/tls.crt';
      const options = `x509 -checkend 86400 -in ${certificate}`;
      const openssl = yield* hand.starts(AT_ONCE, place.main, '/usr/bin/openssl', options);
      yield hand.does(AT_ONCE, openAct(place, openssl, certificate));
    },
  },
  runner: {
    often: [
      function* (hand) {
        const { place, random } = hand;
        const [source, registry] = peersOf(hand);
        const bash = yield* hand.starts(AT_ONCE, place.main, '/bin/bash', '-e /home/runner/work/_temp/build.sh');
        const git = yield* hand.starts(SOON, bash, '/usr/bin/git', 'fetch --depth=1 origin main');
        yield* talk(hand, source, git);
        const node = yield* hand.starts(SOON, bash, '/usr/local/bin/node', '/usr/local/bin/npm ci --no-audit');
        yield* talk(hand, registry, node);
        for (const file of ['package.json', 'src/index.ts', 'src/cart.ts']) {
          yield hand.does(AT_ONCE, openAct(place, node, `/home/runner/work/shop/${file}`));
        }
        yield hand.does(SOON, openAct(place, node, `/tmp/build/out-${random.hex(6)}.tar`, true));
      },
    ],
    // Somebody looks after the runner by hand: a terminal where it may be.
    *hourly(hand) {
      const { place } = hand;
      const shell = yield* hand.enters(TYPED, '/bin/bash');
      yield* hand.starts(TYPED, shell, '/bin/ls', '-la /home/runner/work');
      yield* hand.starts(TYPED, shell, '/usr/bin/df', '-h');
      const tail = yield* hand.starts(TYPED, shell, '/usr/bin/tail', '-n 100 /home/runner/_diag/worker.log');
      yield hand.does(AT_ONCE, openAct(place, tail, '/home/runner/_diag/worker.log'));
    },
  },
  'mqtt-broker': {
    often: [
      function* (hand) {
        const { place, random } = hand;
        yield hand.does(AT_ONCE, acceptAct(place, place.main, `192.168.77.${random.between(2, 40)}`, 1883));
        yield hand.does(AT_ONCE, openAct(place, place.main, '/mosquitto/data/mosquitto.db', random.chance(0.5)));
      },
    ],
    *hourly(hand) {
      const { place } = hand;
      const check = yield* hand.starts(AT_ONCE, place.main, '/usr/bin/mosquitto_sub', '-t $SYS/broker/uptime -C 1');
      yield hand.does(AT_ONCE, connectAct(place, check, '127.0.0.1', 1883));
      yield hand.does(AT_ONCE, openAct(place, check, '/mosquitto/config/mosquitto.conf'));
    },
  },
  'plc-gateway': {
    often: [
      function* (hand) {
        const { place } = hand;
        yield hand.does(AT_ONCE, openAct(place, place.main, '/dev/ttyUSB0'));
        for (const peer of peersOf(hand)) yield* talk(hand, peer);
      },
    ],
    *hourly(hand) {
      const { place, random } = hand;
      const test = yield* hand.starts(AT_ONCE, place.main, '/usr/bin/plc-selftest', '--quick');
      yield hand.does(AT_ONCE, openAct(place, test, '/etc/plc-gateway/registers.toml'));
      // Refused each time: it asks for more than it needs.
      if (random.chance(0.04)) yield hand.does(AT_ONCE, capabilityAct(place, test, 'net_raw'));
    },
  },
};

/** The host's own life: timers, the kubelet, and now and then a login. */
const HOST_DAY: Day = {
  often: [
    function* (hand) {
      const { place } = hand;
      const timer = yield* hand.starts(AT_ONCE, place.main, '/usr/lib/systemd/systemd-executor', '--deserialize 42');
      yield hand.does(AT_ONCE, openAct(place, timer, '/etc/machine-id'));
    },
    function* (hand) {
      const { place } = hand;
      const kubelet = yield* hand.starts(
        AT_ONCE,
        place.main,
        '/usr/bin/kubelet',
        '--config=/var/lib/kubelet/config.yaml',
      );
      yield hand.does(AT_ONCE, connectAct(place, kubelet, '10.96.0.1', 443));
      yield hand.does(AT_ONCE, socketAct(place, kubelet));
    },
  ],
  *hourly(hand) {
    const { place, random } = hand;
    const sshd = yield* hand.starts(AT_ONCE, place.main, '/usr/sbin/sshd', '-D -R');
    yield hand.does(AT_ONCE, acceptAct(place, sshd, `10.20.0.${random.between(2, 9)}`, 22));
    yield hand.does(AT_ONCE, openAct(place, sshd, '/etc/ssh/sshd_config'));
  },
};

function dayOf({ workload }: Place): Day {
  if (workload === undefined) return HOST_DAY;
  const day = DAYS[workload.name];
  if (day === undefined) throw new RangeError(`The story knows no day of ${workload.name}.`);
  return day;
}

/** The next thing this place does. */
export function routineOf(place: Place, random: Random): Part {
  return random.pick(dayOf(place).often)(new Hand(place, random));
}

/** All that this place ever does on a normal day, once: what comes later is known. */
export function* firstHour(place: Place, random: Random): Part {
  const hand = new Hand(place, random);
  const { often, hourly } = dayOf(place);
  for (const routine of [...often, hourly]) yield* routine(hand);
  for (const peer of peersOf(hand)) yield* talk(hand, peer);
}

/** How many times the nightly job does what the hourly one does once. */
const NIGHTLY = 15;
const NIGHT_HOUR = 2;

/** What a place does at its minute of each hour, and far more of it at night. @param fromSec since the Unix epoch */
export function* scheduleOf(place: Place, fromSec: number, random: Random): Part {
  const hand = new Hand(place, random);
  const { hourly, nightly } = dayOf(place);
  const minuteSec = random.between(5, 55) * 60;
  let clock = fromSec;
  for (let hour = Math.floor(fromSec / HOUR) + 1; ; hour += 1) {
    const times = nightly === true && hour % 24 === NIGHT_HOUR ? NIGHTLY : 1;
    for (let time = 0; time < times; time += 1) {
      let waitSec = Math.max(0, hour * HOUR + minuteSec - clock);
      for (const paced of hourly(hand)) {
        clock += waitSec + paced.afterSec;
        yield { ...paced, afterSec: waitSec + paced.afterSec };
        waitSec = 0;
      }
    }
  }
}
