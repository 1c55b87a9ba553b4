import type { AlertFields, LogFields } from '@armorlake/proto';
import { describe, expect, it } from 'vitest';
import type { SimulatedEvent } from '../event.js';
import { CHAPTER_NAMES } from './chapters.js';
import type { ChapterName } from './chapters.js';
import type { StorySettings } from './story.js';
import { storyEvents } from './story.js';

const NOW_MS = Date.UTC(2026, 6, 24, 15, 30);
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

type Fields = LogFields & AlertFields;

function tellAt(
  nowMs: number,
  chapter: ChapterName,
  settings: Partial<StorySettings> = {},
  liveMs = 0,
): SimulatedEvent[] {
  const throttle = { maxAlertsPerSec: 10, droppingIntervalSec: 30 };
  const list: SimulatedEvent[] = [];
  const all = storyEvents({
    chapter,
    historyMs: 24 * HOUR_MS,
    seed: 1,
    nowMicros: nowMs * 1000,
    throttle,
    ...settings,
  });
  for (const event of all) {
    if (event.past !== true && event.dueMicros > liveMs * 1000) break;
    list.push(event);
  }
  return list;
}

const tell = (chapter: ChapterName, settings?: Partial<StorySettings>, liveMs?: number): SimulatedEvent[] =>
  tellAt(NOW_MS, chapter, settings, liveMs);
const fieldsOf = (event: SimulatedEvent): Fields => (event.stream === 'messages' ? {} : event.event);
const msOf = (event: Fields): number => Date.parse(event.UpdatedTime ?? '');
const hoursAgo = (list: readonly Fields[], from: number, to: number): number =>
  list.filter((each) => msOf(each) >= NOW_MS - from * HOUR_MS && msOf(each) < NOW_MS - to * HOUR_MS).length;
const short = { historyMs: 2 * HOUR_MS };

describe.each(CHAPTER_NAMES)('the story of %s', (chapter) => {
  const whole = tell(chapter, {}, 10 * MINUTE_MS);
  const events = whole.map(fieldsOf);

  it('gives the same bytes for the same options, and others for another seed', () => {
    const bytes = (seed: number): string[] =>
      tell(chapter, { ...short, seed }).map((each) => each.bytes.toString('base64'));
    const once = bytes(7);
    expect(bytes(7)).toEqual(once);
    const known = new Set(once);
    expect(bytes(8).filter((each) => known.has(each))).toEqual([]);
  });

  it('has rising times, all different, from the beginning of the history on; the past ends now', () => {
    const times = events.map((each) => each.UpdatedTime ?? '');
    expect(times).toEqual([...new Set(times)].toSorted());
    expect(msOf(events[0] ?? {})).toBeGreaterThanOrEqual(NOW_MS - 24 * HOUR_MS);
    expect(msOf(events[0] ?? {})).toBeLessThan(NOW_MS - 24 * HOUR_MS + MINUTE_MS);
    for (const event of whole) {
      const ms = msOf(fieldsOf(event));
      if (event.past === true) expect(ms).toBeLessThanOrEqual(NOW_MS);
      else expect(Math.floor(event.dueMicros / 1000)).toBe(ms - NOW_MS);
    }
    expect(Math.max(...whole.filter(({ past }) => past).map((each) => msOf(fieldsOf(each))))).toBeGreaterThan(
      NOW_MS - 5_000,
    );
  });

  it.each([1, 13])('tells a day, started at %i:00, that nothing disturbs before the attack', (hour) => {
    const nowMs = Date.UTC(2026, 6, 24, hour);
    const day = tellAt(nowMs, chapter);
    // No more than a small node takes in seconds.
    expect(day.length).toBeGreaterThan(15_000);
    expect(day.length).toBeLessThan(32_000);
    expect(day.at(-1)?.dueMicros).toBeLessThan(15_000_000);
    const normal = day.map(fieldsOf).filter((each) => msOf(each) < nowMs - 41 * MINUTE_MS);
    const known = new Set<string>();
    for (const each of normal) {
      const what = [
        each.NamespaceName ?? each.HostName,
        each.ProcessName,
        /remoteip=(?!10\.|192\.)\S+/.exec(each.Resource ?? '')?.[0],
      ];
      const first = !known.has(what.join());
      known.add(what.join());
      // What comes later than in the first hour is known.
      if (first) expect({ what, late: msOf(each) > nowMs - 23 * HOUR_MS }).toEqual({ what, late: false });
    }
    expect(normal.filter(({ Action }) => Action === 'Block').length).toBeLessThan(10);
    expect(normal.filter(({ Severity = '0' }) => Number(Severity) > 4)).toEqual([]);
    expect(normal.filter(({ TTY, NamespaceName }) => TTY !== undefined && NamespaceName !== 'ci')).toEqual([]);
  });

  it('is dense in the last hour and goes on at that pace, thin long ago, and busier by day than by night', () => {
    expect(hoursAgo(events, 1, 0)).toBeGreaterThan(8_000);
    expect(hoursAgo(events, 1, 0) / 3600).toBeGreaterThan(2);
    const live = whole.filter(({ past }) => past !== true).length / 600;
    expect(live).toBeGreaterThan(4);
    expect(live).toBeLessThan(10);
    // 13:30 to 15:30 and 0:30 to 2:00 of the day before, without what the night's own jobs do from 2:00 on.
    expect(hoursAgo(events, 24, 22) / 2).toBeGreaterThan((1.3 * hoursAgo(events, 15, 13.5)) / 1.5);
  });

  it('has two workloads and its hosts', () => {
    const workloads = new Set(events.flatMap(({ Owner }) => Owner?.Name ?? []));
    expect(workloads.size).toBe(2);
    expect(events.some(({ NamespaceName }) => NamespaceName === undefined)).toBe(true);
    expect(new Set(events.map(({ HostName }) => HostName))).toEqual(
      new Set([`${chapter}-node-01`, `${chapter}-node-02`]),
    );
    expect(new Set(events.map(({ ClusterName }) => ClusterName))).toEqual(new Set([chapter]));
  });

  it('knows where every process of a pod comes from', () => {
    const started = new Set<string>();
    for (const each of events) {
      if (each.NamespaceName === undefined) continue;
      const key = (pid = 0): string => `${each.HostName ?? ''}/${pid}`;
      const fromOutside = ['/usr/bin/containerd-shim-runc-v2', '/usr/bin/runc'].includes(each.ParentProcessName ?? '');
      if (each.Operation === 'Process' && each.PolicyName === undefined && !fromOutside) {
        expect(started).toContain(key(each.HostPPID));
      }
      if (each.Operation === 'Process') started.add(key(each.HostPID));
    }
  });
});

describe('the attack of the story', () => {
  const all = CHAPTER_NAMES.flatMap((chapter) => tell(chapter, { historyMs: 3 * HOUR_MS }, 10 * MINUTE_MS))
    .map(fieldsOf)
    .toSorted((one, other) => msOf(one) - msOf(other));
  const first = (what: string, matches: (event: Fields) => boolean): [string, number] => {
    const found = all.find(matches);
    return [what, found === undefined ? Number.NaN : (msOf(found) - NOW_MS) / MINUTE_MS];
  };
  const hidden = ({ ProcessName }: Fields): boolean => ProcessName === '/dev/shm/kworker';
  const of =
    (policy: string) =>
    (event: Fields): boolean =>
      event.PolicyName === policy;

  it('goes its way step by step: from west to east to plant, from forty minutes ago until after now', () => {
    const steps = [
      first('web shell', ({ Resource = '' }) => Resource.endsWith('/.thumb.php')),
      first('shell', of('ksp-web-server-spawns-shell')),
      first('discovery', of('ksp-block-shadow')),
      first('reverse shell', ({ Resource = '' }) => Resource.includes('/dev/tcp/')),
      first('token refused', of('ksp-block-service-account-token')),
      first('token read', of('ksp-audit-service-account-token')),
      first('scan refused', of('ksp-block-scanner')),
      first('silence', ({ Operation }) => Operation === 'AlertThreshold'),
      first(
        'not refused',
        ({ ProcessName, Resource = '' }) => ProcessName === '/usr/local/bin/php' && Resource.includes('remoteip=10.'),
      ),
      first('traces removed', of('ksp-audit-log-deletion')),
      first('build runner', of('harden-pkg-mngr-exec')),
      first('payments', ({ TTY, NamespaceName }) => TTY !== undefined && NamespaceName === 'payments'),
      first('miner refused', of('ksp-block-cryptominer')),
      first('miner hidden', (event) => hidden(event) && event.Operation === 'Process'),
      first('plant', (event) => hidden(event) && event.ClusterName === 'plant'),
    ];
    const minutes = steps.map(([, at]) => at);
    expect(minutes).toEqual(minutes.toSorted((one, other) => one - other));
    expect(minutes[0]).toBeCloseTo(-40, 0);
    expect(minutes.at(-1)).toBeGreaterThan(1);
  });

  it('goes on as long as the simulator does', () => {
    const lately = (matches: (event: Fields) => boolean): number =>
      all.filter((event) => msOf(event) > NOW_MS + 5 * MINUTE_MS && matches(event)).length;
    for (const cluster of ['east', 'plant']) {
      expect(
        lately((event) => hidden(event) && event.ClusterName === cluster && event.PolicyName === undefined),
      ).toBeGreaterThan(8);
      expect(lately((event) => of('ksp-block-stratum')(event) && event.ClusterName === cluster)).toBeGreaterThan(10);
    }
    expect(lately(({ Resource = '' }) => Resource.includes('/dev/tcp/'))).toBeGreaterThan(0);
  });

  it('enters by sessions of which no two have the same low half of an ExecID', () => {
    const entered = all.flatMap(({ ExecEvent, ContainerID = '', NamespaceName = '' }) =>
      ExecEvent?.ExecID === undefined || ExecEvent.ExecID === '0'
        ? []
        : [
            {
              id: BigInt.asUintN(32, BigInt(ExecEvent.ExecID)),
              container: ContainerID,
              namespace: NamespaceName,
            },
          ],
    );
    expect(new Set(entered.map(({ namespace }) => namespace))).toEqual(new Set(['ci', 'payments', 'iot']));
    const sessions = new Set(entered.map(({ id, container }) => `${id} ${container}`));
    expect(new Set(entered.map(({ id }) => id)).size).toBe(sessions.size);
  });

  it('brings the same program under each of its names', () => {
    const miners = all.filter((event) => hidden(event) || event.ProcessName === '/tmp/.x/xmrig');
    expect(new Set(miners.map(({ ProcessName }) => ProcessName)).size).toBe(2);
    expect(new Set(miners.map(({ ProcessHash }) => ProcessHash)).size).toBe(1);
    expect(all.filter(({ ProcessHash }) => ProcessHash === miners[0]?.ProcessHash)).toEqual(miners);
  });
});
