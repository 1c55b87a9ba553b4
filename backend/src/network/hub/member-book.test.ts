import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualTime } from '../../../../test/support/manual-time.js';
import { emptyMetadata } from '../types.js';
import type { NodeIdentity } from '../types.js';
import { MemberBook } from './member-book.js';

let folder: string;
let time: ManualTime;
let warnings: string[];
const warn = (sentence: string): void => void warnings.push(sentence);
beforeEach(() => {
  time = new ManualTime();
  warnings = [];
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
    new MemberBook(folder, time, warn).remember({ identity: identity('e1'), metadata, direct: true });
    const again = new MemberBook(folder, time, warn);
    expect(again.all()).toEqual([
      {
        identity: identity('e1'),
        direct: true,
        metadata: { ...metadata, tables: [{ ...table, rows: 0, bytes: 0, minTimeMicros: null, retentionMs: null }] },
      },
    ]);
    expect(again.forget('e1', null)).toBe(true);
    expect(again.forget('e1', null)).toBe(false);
    expect(new MemberBook(folder, time, warn).all()).toEqual([]);
    expect(readdirSync(folder)).toEqual(['members.json', 'members.json.copy']);
  });

  it('writes only what is new', () => {
    const book = new MemberBook(folder, time, warn);
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
    const book = new MemberBook(folder, time, warn);
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
    const book = new MemberBook(folder, time, warn);
    book.remember({ identity: identity('e1'), metadata, direct: true });
    expect(book.forget('e1', 'process-1')).toBe(true);
    const again = new MemberBook(folder, time, warn);
    expect(again.isForgotten('e1', 'process-1')).toBe(true);
    expect(again.isForgotten('e1', 'process-2')).toBe(false);
    expect(again.isForgotten('e2', 'process-1')).toBe(false);
  });

  it.each([
    ['gone', (path: string) => rmSync(path), /is gone\. Its copy was taken, with 1 members/],
    ['empty', (path: string) => writeFileSync(path, ''), /was put aside as .*members\.json\.damaged/],
    ['a folder', (path: string) => (rmSync(path), mkdirSync(path)), /was put aside as .*EISDIR/],
  ])('misses no node when its file is %s, and says so', (_what, damage, sentence) => {
    const path = join(folder, 'members.json');
    new MemberBook(folder, time, warn).remember({ identity: identity('e1'), metadata, direct: true });
    damage(path);
    expect(new MemberBook(folder, time, warn).get('e1')?.identity).toEqual(identity('e1'));
    expect(warnings).toEqual([expect.stringMatching(sentence)]);
    expect(new MemberBook(folder, time, warn).all()).toHaveLength(1);
    expect(warnings).toHaveLength(1);
  });

  it('makes the copy that an older version did not', () => {
    new MemberBook(folder, time, warn).remember({ identity: identity('e1'), metadata, direct: true });
    rmSync(join(folder, 'members.json.copy'));
    expect(new MemberBook(folder, time, warn).all()).toHaveLength(1);
    rmSync(join(folder, 'members.json'));
    expect(new MemberBook(folder, time, warn).all()).toHaveLength(1);
  });

  it('writes many that another hub names in one piece', () => {
    const book = new MemberBook(folder, time, warn);
    book.remember({ identity: identity('e0'), metadata, direct: true });
    const before = statSync(join(folder, 'members.json')).ino;
    for (let each = 0; each < 100; each++) {
      book.remember({ identity: identity(`f${each}`), metadata, direct: false });
    }
    expect(statSync(join(folder, 'members.json')).ino).toBe(before);
    time.advance(10_000);
    expect(readFileSync(join(folder, 'members.json'), 'utf8')).toContain('"f99"');
  });

  it('refuses a file it does not understand when there is no copy, and leaves it alone', () => {
    const path = join(folder, 'members.json');
    for (const content of ['', '{"format":2,"members":[]}', '{"format":1,"members":[{"identity":{"name":"../x"}}]}']) {
      writeFileSync(path, content);
      expect(() => new MemberBook(folder, time, warn)).toThrow(expect.objectContaining({ code: 'BAD_CONFIG' }));
      expect(readFileSync(path, 'utf8')).toBe(content);
    }
  });
});
