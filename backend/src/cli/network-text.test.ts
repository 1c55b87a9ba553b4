import { describe, expect, it } from 'vitest';
import { coverageNotices } from './coverage-notices.js';
import { explanationText } from './explain-text.js';
import type { NetworkStatus } from './network-status.js';
import { networkText } from './network-status.js';
import { selectionOf } from './selection.js';

const now = Date.parse('2026-03-01T12:00:00Z');
const node: NetworkStatus['nodes'][number] = {
  name: 'edge-1',
  role: 'edge',
  state: 'alive',
  reason: null,
  version: '0.1.0',
  cluster: 'west',
  labels: { site: 'north', rack: '7' },
  lastContact: '2026-03-01T11:59:59.800Z',
  clockOffsetMs: -7.4,
  rows: 12,
  via: 'self',
};
const status: NetworkStatus = {
  role: 'query',
  listening: '127.0.0.1:7471',
  links: [],
  peers: [],
  nodes: [node],
  certificate: null,
};

describe('the network for people', () => {
  it('is a table without columns that nobody fills', () => {
    const text = networkText(status, now);
    expect(text).toContain('Network: 1 of 1 node up; role query, nodes join it at 127.0.0.1:7471\n');
    expect(text).toMatch(/^edge-1 +edge +up +0\.1\.0 +west +site=north rack=7 +200 ms ago +-7 ms +12 +itself$/m);
    expect(text).not.toContain('reason');
  });

  it('says why a node is down, through which hubs it goes, and when a certificate ends', () => {
    const down = {
      ...node,
      state: 'failed',
      reason: 'silent\u001b[31m',
      lastContact: null,
      clockOffsetMs: null,
      via: null,
    };
    const link = { address: '10.0.0.7:7471', hub: null, state: 'refused', detail: 'another lake' };
    const certificate = { daysLeft: 3 };
    const text = networkText(
      { ...status, nodes: [down], links: [link], peers: [{ hub: 'h2', detail: null }], certificate },
      now,
    );
    expect(text).toMatch(/0 of 1 node up/);
    expect(text).toMatch(/valid for 3 more days: renew it with `armorlake cert renew`/);
    expect(text).toMatch(/edge-1 +edge +failed .*never .*none +silent\\u\{1b\}\[31m/);
    expect(text).toMatch(/Joined to\n[^]*10\.0\.0\.7:7471 +refused +another lake/);
    expect(text).toMatch(/Asks through\n[^]*h2 +ok/);
    expect(networkText({ ...status, nodes: [] }, now)).toContain('--join HOST:PORT');
    expect(networkText({ ...status, certificate: { daysLeft: -1 } }, now)).toContain('has expired');
  });
});

describe('an explanation for people', () => {
  const fragment = { name: 'f0', kind: 'agg', table: 'kubearmor.alerts' };
  const base = {
    columns: [{ name: 'n', type: 'BIGINT' }],
    merge: 'SELECT sum(p0) FROM f0',
    subqueries: 1,
    nodes: [
      { name: 'e1', status: 'asked', reason: null },
      { name: 'e2', status: 'pruned', reason: 'no row has such a cluster' },
    ],
    estimate: { nodes: 1, rows: 10, bytes: 2048 },
  };

  it('has a line for each clause that is not within parentheses or quotes', () => {
    const sql = `SELECT count(*), (SELECT 1 FROM x WHERE y), ' FROM ' AS "a WHERE b" FROM t WHERE (a FROM b) GROUP BY 1`;
    const text = explanationText({ ...base, fragments: [{ ...fragment, sql }] });
    expect(text).toContain(
      `    SELECT count(*), (SELECT 1 FROM x WHERE y), ' FROM ' AS "a WHERE b"\n    FROM t\n    WHERE (a FROM b)\n    GROUP BY 1\n`,
    );
    expect(text).toContain('1 subquery ran first.');
    expect(text).toContain('Nodes: 1 of 2 asked\n');
    expect(text).toMatch(/e2 +pruned +no row has such a cluster/);
    expect(text).toContain('Estimate: 1 node reads up to 10 rows; up to 2 KiB shipped\n');
  });

  it('leaves SQL of several lines as it was written, and shows it harmless', () => {
    const text = explanationText({
      ...base,
      merge: null,
      fragments: [{ ...fragment, sql: "SELECT 1 -- '\nFROM t\u001b" }],
    });
    expect(text).toContain("    SELECT 1 -- '\n    FROM t\\u{1b}\n");
    expect(text).toContain('one node answers alone');
  });
});

describe('a selection', () => {
  const none = { node: [], cluster: [], label: [] };

  it('holds only what was given; one label more than once means any of its values', () => {
    expect(selectionOf(none)).toEqual({});
    const given = {
      node: ['a'],
      cluster: ['w'],
      label: ['site=n', 'site=s', 'x='],
      perNode: true,
      partial: 'fail' as const,
    };
    expect(selectionOf(given)).toEqual({
      nodes: { names: ['a'], clusters: ['w'], labels: { site: ['n', 's'], x: [''] } },
      perNode: true,
      partial: 'fail',
    });
    expect(() => selectionOf({ ...none, label: ['=x'] })).toThrow(/--label =x is no key=value/);
  });
});

describe('coverage notices', () => {
  const coverage = { complete: true, expected: 9, asked: 9, answered: 9, nodes: [] };

  it('carry remarks of nodes that answered, also when all is complete', () => {
    const nodes = [{ name: 'e1', status: 'answered', message: 'slowed' }];
    expect(coverageNotices({ ...coverage, nodes })).toEqual(['e1: slowed.']);
  });

  it('say when there was nobody to ask', () => {
    expect(coverageNotices({ ...coverage, expected: 0, asked: 0, answered: 0 })).toEqual([
      'No node was asked: none that stores events has joined, or none is selected.',
    ]);
  });

  it('name a few of many failures', () => {
    const nodes = Array.from({ length: 8 }, (_, at) => ({ name: `e${at}`, status: 'failed', message: 'gone' }));
    const [notice] = coverageNotices({ ...coverage, complete: false, answered: 1, nodes });
    expect(notice).toMatch(/^1 of 9 nodes answered; e0 failed: gone; .*e4 failed: gone; and 3 more$/);
  });
});
