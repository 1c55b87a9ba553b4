import { describe, expect, it } from 'vitest';
import { ArrivalClock } from '../../backend/src/core/index.js';
import type { LakeStore } from '../../backend/src/lake/host.js';
import { eventTables, kubearmorLogs, kubearmorMessages } from '../../backend/src/lake/tables.js';
import type { LakeSettings } from '../../backend/src/lake/index.js';
import { noExtras } from '../../backend/src/lake/writer.js';
import { DAY_MS, DataFolder, packRows, plainRows } from '../support/lake-fixture.js';
import { HandClock, openStore } from '../support/lake-store.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const YEARS = 3650 * DAY_MS;

/** A lake whose machine's clock the test sets. */
class Machine {
  readonly clock = new HandClock();
  readonly folder = new DataFolder();
  #changes: Partial<LakeSettings> = {};
  #store: LakeStore | null = null;
  #batch = 0;

  async start(changes: Partial<LakeSettings> = this.#changes): Promise<void> {
    this.#changes = changes;
    this.#store = await openStore(this.folder, changes, { clock: this.clock });
    this.#batch = this.#store.lastBatch;
  }

  get store(): LakeStore {
    if (this.#store === null) throw new Error('The lake is not open.');
    return this.#store;
  }

  async stop(): Promise<void> {
    await this.#store?.close();
    this.#store = null;
  }

  /** Ten rows that arrive now, with their part of the ledger. */
  async fill(table = kubearmorLogs): Promise<void> {
    const rows = plainRows(this.clock.wall * 1000);
    await this.store.append(++this.#batch, packRows(table, 10, rows).buffer, noExtras);
  }

  /** Retention every hour for so long; all it deletes for their age. */
  async run(ms: number, each: () => void = () => undefined): Promise<Readonly<Record<string, number>>> {
    const deleted: Record<string, number> = {};
    for (let passed = 0; passed < ms; passed += HOUR) {
      each();
      const report = await this.store.maintain();
      for (const [table, rows] of Object.entries(report.deleted)) deleted[table] = (deleted[table] ?? 0) + rows;
      this.clock.advance(HOUR);
    }
    return deleted;
  }

  async count(table = 'kubearmor.logs'): Promise<number> {
    return (await this.store.info()).rows[table] ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.folder[Symbol.dispose]();
  }
}

describe('a wrong clock', () => {
  it('ten years ahead for hours deletes nothing, and rows of its time keep later ones from ageing no longer', async () => {
    await using machine = new Machine();
    const { clock, store } = await started(machine);
    await machine.fill();
    clock.advance(HOUR);
    clock.wall += YEARS;
    await machine.fill();
    expect(await machine.run(20 * HOUR)).toEqual({});
    expect(await store.maintain()).toMatchObject({ clockConfirmed: false });
    expect((await store.info()).warnings.join()).toMatch(/3650\.0 days ahead/);
    clock.wall -= YEARS;
    await machine.fill();
    expect(await machine.run(2 * HOUR)).toEqual({});
    expect(await store.maintain()).toMatchObject({ clockConfirmed: true });
    clock.advance(8 * DAY_MS);
    await machine.fill();
    // The rows of the wrong hours go between those before and after them.
    expect(await machine.run(MINUTE)).toEqual({ 'kubearmor.logs': 30 });
    expect(await machine.count()).toBe(10);
  });

  it('is believed when it ran evenly for 24 hours, but for rows that the machine has stored in that time', async () => {
    await using machine = new Machine();
    const { clock } = await started(machine);
    await machine.fill();
    await machine.run(25 * HOUR);
    await machine.stop();
    clock.reboot(YEARS);
    await machine.start();
    await machine.fill();
    expect(await machine.run(23 * HOUR)).toEqual({});
    clock.wall += YEARS;
    await machine.fill();
    expect(await machine.run(23 * HOUR)).toEqual({});
    expect(await machine.run(3 * HOUR)).toMatchObject({ 'kubearmor.logs': 10 });
    expect(await machine.count()).toBe(20);
  });

  it('is not believed for having slept through the 24 hours', async () => {
    await using machine = new Machine();
    const { clock, store } = await started(machine);
    await machine.fill();
    store.hubSays(clock.wall);
    await machine.stop();
    clock.reboot(HOUR, YEARS);
    await machine.start();
    clock.advance(2 * DAY_MS);
    await machine.store.maintain();
    expect(await machine.store.maintain()).toMatchObject({ clockConfirmed: false });
    expect(await machine.count()).toBe(10);
  });

  it('is believed at once when a hub says the same, also what the machine was off for', async () => {
    await using machine = new Machine();
    const { clock, store } = await started(machine);
    await machine.fill();
    store.hubSays(clock.wall);
    await machine.stop();
    clock.reboot(30 * DAY_MS);
    await machine.start();
    await machine.fill();
    expect(await machine.run(HOUR)).toEqual({});
    machine.store.hubSays(clock.wall - 2 * SECOND);
    expect(await machine.run(HOUR)).toEqual({ 'kubearmor.logs': 10 });
    expect(await machine.count()).toBe(10);
  });

  it('is not believed for what a hub said before it was set wrong', async () => {
    await using machine = new Machine();
    const { clock, store } = await started(machine);
    await machine.fill();
    store.hubSays(clock.wall);
    clock.wall += YEARS;
    expect(await machine.run(HOUR)).toEqual({});
  });

  it('that flaps, back and ahead again, deletes nothing of what came in between', async () => {
    await using machine = new Machine();
    const { clock } = await started(machine);
    clock.wall += YEARS;
    await machine.run(25 * HOUR);
    for (let flap = 0; flap < 3; flap++) {
      clock.wall -= YEARS;
      await machine.fill();
      expect(await machine.run(HOUR)).toEqual({});
      clock.wall += YEARS;
      expect(await machine.run(HOUR)).toEqual({});
    }
    expect(await machine.count()).toBe(30);
  });

  it('that creeps ahead adds nothing up', async () => {
    await using machine = new Machine();
    const { clock } = await started(machine);
    await machine.fill();
    expect(await machine.run(4 * DAY_MS, () => (clock.wall += 50 * MINUTE))).toEqual({});
    expect(clock.wall - Date.UTC(2026, 0, 1)).toBeGreaterThan(7 * DAY_MS);
  });

  it('over restarts of the node counts the same uptime on, of the machine only what it was up', async () => {
    await using machine = new Machine();
    const { clock, store } = await started(machine);
    await machine.fill();
    store.hubSays(clock.wall);
    for (let day = 0; day < 5; day++) {
      await machine.stop();
      clock.advance(DAY_MS);
      await machine.start();
      expect(await machine.run(MINUTE)).toEqual({});
    }
    await machine.stop();
    clock.reboot(YEARS);
    await machine.start();
    expect(await machine.run(23 * HOUR)).toEqual({});
    expect(await machine.run(3 * HOUR)).toMatchObject({ 'kubearmor.logs': 10 });
  });

  it('at 1970 when a machine without a battery starts ages nothing that came before it was set', async () => {
    await using machine = new Machine();
    const { clock } = machine;
    const real = clock.wall;
    clock.wall = 20 * SECOND;
    await machine.start();
    await machine.fill();
    await machine.fill(kubearmorMessages);
    clock.advance(MINUTE);
    await machine.store.maintain();
    clock.wall = real + MINUTE;
    machine.store.hubSays(clock.wall);
    expect(await machine.run(HOUR)).toEqual({});
    expect(await machine.count('armorlake.ledger')).toBe(2);
    await machine.stop();
    clock.reboot(HOUR, -real - 2 * HOUR);
    await machine.start();
    await machine.fill();
    clock.advance(MINUTE);
    clock.wall += real + 2 * HOUR;
    machine.store.hubSays(clock.wall);
    expect(await machine.run(HOUR)).toEqual({});
    expect(await machine.count()).toBe(20);
    expect(await machine.count('armorlake.ledger')).toBe(3);
    machine.store.hubSays((clock.wall += 8 * DAY_MS));
    expect(await machine.run(HOUR)).toEqual({ 'kubearmor.logs': 20, 'kubearmor.messages': 10 });
  });

  it('keeps no query waiting for the hours it skipped, and compacts the ledger when it is right again', async () => {
    await using machine = new Machine();
    const { clock, store } = await started(machine);
    clock.wall += YEARS;
    expect(await store.maintain()).toMatchObject({ compacted: 0 });
    clock.wall -= YEARS;
    for (let batch = 0; batch < 3; batch++) await machine.fill();
    clock.advance(HOUR);
    expect((await store.maintain()).compacted).toBe(2);
  });

  it('does not move what is said to be lost into the future', async () => {
    await using machine = new Machine();
    const { clock } = machine;
    clock.wall += YEARS;
    const archive = { folder: machine.folder.file('archive'), ageMs: null, bytes: 1 };
    await machine.start({ archive });
    await machine.fill();
    clock.wall -= YEARS;
    await machine.fill();
    machine.store.hubSays(clock.wall);
    clock.advance(8 * DAY_MS);
    await machine.fill();
    await machine.run(2 * HOUR);
    const reader = await machine.store.openReader();
    const until = await machine.store.retainedSince(
      reader,
      eventTables.map(({ name }) => `kubearmor.${name}`),
    );
    machine.store.closeReader(reader);
    expect(until).not.toBeNull();
    expect(Number(until) / 1000).toBeLessThanOrEqual(clock.wall);
  });
});

describe('arrival times', () => {
  it('never go backwards, unless the clock was far ahead and is set right', () => {
    const clock = new HandClock();
    const arrival = new ArrivalClock(clock);
    const first = arrival.nowMicros();
    clock.wall -= MINUTE;
    expect(arrival.nowMicros()).toBe(first);
    clock.wall += YEARS;
    arrival.nowMicros();
    clock.wall -= YEARS;
    expect(arrival.nowMicros()).toBe(clock.wall * 1000);
  });
});

async function started(machine: Machine): Promise<{ readonly clock: HandClock; readonly store: LakeStore }> {
  await machine.start();
  return { clock: machine.clock, store: machine.store };
}
