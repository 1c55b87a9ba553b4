import { describe, expect, it } from 'vitest';
import { emptyMetadata } from '../types.js';
import type { NodeMetadata } from '../types.js';
import { Publication } from './publication.js';
import type { Widening } from './publication.js';

const HOUR = 3_600_000_000;
const table = { name: 'kubearmor.logs', columns: [], rows: 1, bytes: 1, minTimeMicros: 10 * HOUR, retentionMs: null };
const metadata: NodeMetadata = { ...emptyMetadata, tables: [table], values: { ...emptyMetadata.values, host: ['h1'] } };
const hosts = (...host: string[]): Widening => ({ values: { host }, minTimes: new Map() });
const done = (): Promise<void> => Promise.resolve();

/** A hub that gives its word when it is let. */
class Hub {
  readonly heard: number[] = [];
  readonly #waiting: (() => void)[] = [];
  acked = 1;

  follow(_metadata: NodeMetadata, version: number): void {
    this.heard.push(version);
  }

  settled(version: number): Promise<void> | null {
    return this.acked >= version ? null : new Promise((resolve) => this.#waiting.push(resolve));
  }

  ack(version: number): void {
    this.acked = version;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

describe('a publication', () => {
  it('asks nobody about a commit that brings nothing new', async () => {
    const publication = new Publication(metadata);
    const hub = new Hub();
    publication.follow(hub);
    const minTimes = new Map([['kubearmor.logs', 10 * HOUR + 5]]);
    await publication.commit({ values: { host: ['h1'] }, minTimes }, done);
    expect(hub.heard).toEqual([]);
    expect(publication.version).toBe(1);
  });

  it('commits when every hub has given its word, later commits of the same values too', async () => {
    const publication = new Publication(metadata);
    const hubs = [new Hub(), new Hub()];
    for (const hub of hubs) publication.follow(hub);
    const committed: string[] = [];
    const commit = (name: string): Promise<void> =>
      publication.commit(hosts('h2'), () => {
        committed.push(name);
        return Promise.resolve();
      });
    const both = [commit('first'), commit('second')];
    expect(hubs.map(({ heard }) => heard)).toEqual([[2], [2]]);
    expect(publication.metadata.values.host).toEqual(['h1', 'h2']);
    hubs[0]?.ack(2);
    await new Promise((resolve) => setImmediate(resolve));
    expect(committed).toEqual([]);
    hubs[1]?.ack(2);
    await Promise.all(both);
    expect(committed).toEqual(['first', 'second']);
    // What isn't promised is waited for by nobody.
    publication.update({ ...metadata, cluster: 'c2' });
    await commit('third');
    expect(committed).toHaveLength(3);
    expect(hubs[0]?.heard).toEqual([2, 3]);
  });

  it('hands on what a commit gives or throws', async () => {
    const publication = new Publication(metadata);
    await expect(publication.commit(hosts('h2'), () => Promise.resolve(7))).resolves.toBe(7);
    await expect(publication.commit(hosts('h3'), () => Promise.reject(new Error('full')))).rejects.toThrow('full');
    expect(publication.metadata.values.host).toContain('h3');
  });

  it('lists values up to a thousand and of up to 256 characters, then none', async () => {
    const publication = new Publication(metadata);
    await publication.commit(hosts(...Array.from({ length: 999 }, (_, index) => `x${index}`)), done);
    expect(publication.metadata.values.host).toHaveLength(1_000);
    await publication.commit(hosts('one more'), done);
    expect(publication.metadata.values.host).toBeNull();
    await publication.commit({ values: { policy: ['p'.repeat(257)] }, minTimes: new Map() }, done);
    expect(publication.metadata.values.policy).toBeNull();
    expect(publication.metadata.values.namespace).toEqual([]);
  });

  it('lowers bounds by whole hours, and begins one for a table that was empty or unknown', async () => {
    const publication = new Publication({ ...metadata, tables: [table, { ...table, name: 'b', minTimeMicros: null }] });
    const minTimes = new Map([
      ['kubearmor.logs', 7 * HOUR + 5],
      ['b', -5],
      ['c', HOUR],
    ]);
    await publication.commit({ values: {}, minTimes }, done);
    const bounds = publication.metadata.tables.map(({ name, minTimeMicros }) => [name, minTimeMicros]);
    expect(bounds).toEqual([
      ['kubearmor.logs', 7 * HOUR],
      ['b', -HOUR],
      ['c', HOUR],
    ]);
    publication.update({ ...metadata, tables: [{ ...table, rows: 9, minTimeMicros: 99 * HOUR }] });
    expect(publication.metadata.tables[0]).toMatchObject({ rows: 9, minTimeMicros: 7 * HOUR });
  });

  it('narrows to what was read, and keeps what was committed meanwhile or is being committed', async () => {
    const publication = new Publication(metadata);
    await publication.commit(hosts('before'), done);
    let finish = (): void => undefined;
    const open = publication.commit(hosts('open'), () => new Promise<void>((resolve) => (finish = resolve)));
    const mark = publication.mark();
    await publication.commit(hosts('meanwhile'), done);
    publication.narrow(mark, { ...metadata, values: { ...metadata.values, host: ['read'] } });
    expect([...(publication.metadata.values.host ?? [])].sort()).toEqual(['meanwhile', 'open', 'read']);
    finish();
    await open;
    publication.narrow(publication.mark(), { ...metadata, values: { ...metadata.values, host: ['open'] } });
    expect(publication.metadata.values.host).toEqual(['open']);
    publication.narrow(publication.mark(), null);
    expect(publication.metadata.values.host).toEqual(['open']);
  });
});
