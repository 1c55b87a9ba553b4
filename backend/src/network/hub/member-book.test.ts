import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualTime } from '../../../../test/support/manual-time.js';
import { emptyMetadata } from '../types.js';
import type { NodeIdentity } from '../types.js';
import { MemberBook } from './member-book.js';

let folder: string;
let time: ManualTime;
beforeEach(() => {
  time = new ManualTime();
  folder = mkdtempSync(join(tmpdir(), 'armorlake-book-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const identity = (name: string): NodeIdentity => ({
  name,
  lakeId: `lake-${name}`,
  role: 'edge',
  armorlakeVersion: '0.1.0',
  engineVersion: '1.5.5',
  schemaVersion: 1,
});
const columns = [{ name: 'time', type: 'TIMESTAMP' }];
const table = { name: 'kubearmor.logs', columns, rows: 5, bytes: 9, minTimeMicros: 3, retentionMs: 4 };
const metadata = { ...emptyMetadata, cluster: 'c1', labels: { site: 'berlin' }, tables: [table] };

describe('the book of members', () => {
  it('keeps who a member is over a restart, and nothing that grows old', () => {
    new MemberBook(folder, time).remember({ identity: identity('e1'), metadata, direct: true });
    const again = new MemberBook(folder, time);
    expect(again.all()).toEqual([
      {
        identity: identity('e1'),
        direct: true,
        metadata: { ...metadata, tables: [{ ...table, rows: 0, bytes: 0, minTimeMicros: null, retentionMs: null }] },
      },
    ]);
    expect(again.forget('e1', null)).toBe(true);
    expect(again.forget('e1', null)).toBe(false);
    expect(new MemberBook(folder, time).all()).toEqual([]);
    expect(readdirSync(folder)).toEqual(['members.json']);
  });

  it('writes only what is new', () => {
    const book = new MemberBook(folder, time);
    book.remember({ identity: identity('e1'), metadata, direct: true });
    const before = statSync(join(folder, 'members.json')).ino;
    book.remember({
      identity: identity('e1'),
      metadata: { ...metadata, tables: [{ ...table, rows: 6 }] },
      direct: true,
    });
    expect(statSync(join(folder, 'members.json')).ino).toBe(before);
    expect(book.get('e1')?.metadata.tables[0]?.rows).toBe(6);
    time.advance(10_000);
    book.remember({ identity: identity('e1'), metadata: { ...metadata, cluster: 'c2' }, direct: true });
    expect(statSync(join(folder, 'members.json')).ino).not.toBe(before);
  });

  it('writes the changes of a member once in ten seconds, and somebody new at once', () => {
    const book = new MemberBook(folder, time);
    const stored = (): string => readFileSync(join(folder, 'members.json'), 'utf8');
    const say = (cluster: string): void =>
      book.remember({ identity: identity('e1'), metadata: { ...metadata, cluster }, direct: true });
    say('first');
    for (let at = 0; at < 100; at++) say(`flood-${at}`);
    expect(stored()).toContain('first');
    time.advance(9_999);
    expect(stored()).toContain('first');
    time.advance(1);
    expect(stored()).toContain('flood-99');
    say('before e2');
    book.remember({ identity: identity('e2'), metadata, direct: true });
    expect(stored()).toMatch(/before e2[^]*"e2"/);
    say('last');
    book.close();
    expect(stored()).toContain('last');
  });

  it('knows over a restart which process ran when its node was forgotten', () => {
    const book = new MemberBook(folder, time);
    book.remember({ identity: identity('e1'), metadata, direct: true });
    expect(book.forget('e1', 'process-1')).toBe(true);
    const again = new MemberBook(folder, time);
    expect(again.isForgotten('e1', 'process-1')).toBe(true);
    expect(again.isForgotten('e1', 'process-2')).toBe(false);
    expect(again.isForgotten('e2', 'process-1')).toBe(false);
  });

  it('refuses a file it does not understand, and leaves it alone', () => {
    const path = join(folder, 'members.json');
    for (const content of ['', '{"format":2,"members":[]}', '{"format":1,"members":[{"identity":{"name":"../x"}}]}']) {
      writeFileSync(path, content);
      expect(() => new MemberBook(folder, time)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
      expect(readFileSync(path, 'utf8')).toBe(content);
    }
  });
});
