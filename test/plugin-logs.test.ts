import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmorlakeModel, LogContext } from '../plugin/shared/index.js';
import {
  alertLineColumns,
  compileQuery,
  explainRefusal,
  lineColumns,
  logContextQuery,
  logLevel,
  logLine,
  logsVolumeQuery,
} from '../plugin/shared/index.js';
import { ModelNode, built, range, storedAlerts } from './support/plugin-model.js';
import { Random } from './support/random.js';

let node: ModelNode;

beforeAll(async () => {
  node = await ModelNode.open();
  await node.store('kubearmor.alerts', storedAlerts);
});

afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

describe('logs', () => {
  it('always have time, node, seq, a line and a level, by (time, node, seq)', async () => {
    const rows = await node.rows(built('logs', 'kubearmor.alerts', { columns: ['namespace', 'labels[app]'] }));
    expect(rows.map((row) => [row['node'], row['seq'], row['level']])).toEqual([
      ['n1', 5, 'warning'],
      ['n1', 4, 'error'],
      ['n2', 2, 'warning'],
      ['n1', 3, 'warning'],
      ['n1', 2, 'error'],
      ['n1', 1, 'critical'],
    ]);
    expect(rows.at(-1)).toEqual({
      time: '2026-01-01T10:00:10.000000Z',
      node: 'n1',
      seq: 1,
      body: 'File /bin/sh → /etc/shadow (blocked) [p1] no <b>shadow</b>',
      level: 'critical',
      namespace: 'shop',
      'labels[app]': 'web',
    });
  });

  it('keep a column called level beside the level of the line', async () => {
    await node.store('kubearmor.messages', [{ level: 'WARN', message: 'hello', host: 'h' }]);
    const [row] = await node.rows(built('logs', 'kubearmor.messages', { columns: ['level', 'host'] }));
    expect(row).toMatchObject({ body: 'hello', level: 'warn', level_text: 'WARN', host: 'h' });
  });

  it.each(['kubearmor.logs', 'kubearmor.alerts', 'kubearmor.events', 'kubearmor.messages'])(
    'of %s are lines with nothing chosen, volume and context included',
    async (table) => {
      const model = built('logs', table);
      const context = {
        direction: 'before',
        node: 'n1',
        seq: '5',
        timeNs: '1767268800000000000',
        limit: 5,
      } as const;
      for (const each of [model, logsVolumeQuery(model) ?? model, logContextQuery(model, context)]) {
        expect(await node.ask(compileQuery(each, range)), table).toMatchObject({ status: 200 });
      }
    },
  );

  it('have a volume by bucket and level, of the same filters', async () => {
    const volume = logsVolumeQuery(
      built('logs', 'kubearmor.alerts', { filters: [{ column: 'namespace', operator: 'is', values: ['shop'] }] }),
    );
    if (volume === null) throw new Error('a builder query has a volume');
    const minutes = {
      ...range,
      fromMs: Date.UTC(2026, 0, 1, 9, 30),
      toMs: Date.UTC(2026, 0, 1, 10, 30),
      intervalMs: 1_000,
    };
    expect(compileQuery(volume, minutes).bucketMs).toBe(60_000);
    expect(await node.rows(volume, minutes)).toEqual([
      { time: '2026-01-01T10:00:00.000000Z', level: 'critical', count: 1 },
      { time: '2026-01-01T10:00:00.000000Z', level: 'error', count: 1 },
      { time: '2026-01-01T10:00:00.000000Z', level: 'warning', count: 2 },
      { time: '2026-01-01T10:02:00.000000Z', level: 'warning', count: 1 },
    ]);
    expect(logsVolumeQuery({ ...volume, derived: { kind: 'volume' }, queryType: 'logs', editor: 'sql' })).toBeNull();
  });

  it('have no lines where there are no events, or nobody knows what they read', () => {
    expect(() => compileQuery(built('logs', 'armorlake.gaps'), range)).toThrow('holds no events');
    expect(() => compileQuery(built('logs', 'falco.events'), range)).toThrow('not known what a log line');
    expect(compileQuery(built('logs', 'falco.events', { columns: ['rule', 'output'] }), range).sql).toContain(
      "concat_ws(' · ', CAST(rule AS VARCHAR), CAST(output AS VARCHAR)) AS body",
    );
  });
});

describe('the line of an event', () => {
  it.each(['kubearmor.logs', 'kubearmor.alerts'])('of %s is the same in a query and in a live tail', async (table) => {
    const random = new Random(11);
    const names = [...lineColumns, ...(table === 'kubearmor.alerts' ? alertLineColumns : [])];
    const value = (name: string): unknown => {
      if (name === 'operation') return random.pick(['Process', 'File', 'Network', 'Syscall']);
      if (name === 'outcome') return random.pick(['happened', 'blocked', 'failed']);
      if (name === 'severity' || name === 'remote_port') return 1 + random.integer(10);
      return random.pick(['/bin/sh', "it's", 'x → y', '(z)']);
    };
    const rows = Array.from({ length: 200 }, (_, index) => ({
      seq: index,
      ...Object.fromEntries(
        names.filter((name) => name === 'operation' || random.chance(0.6)).map((name) => [name, value(name)]),
      ),
      // An alert always has a policy.
      ...(table === 'kubearmor.alerts' ? { policy: 'p' } : {}),
    }));
    await using other = await ModelNode.open();
    await other.store(table, rows);
    const lines = await other.rows(built('logs', table, { columns: names }));
    expect(lines).toHaveLength(rows.length);
    for (const line of lines) {
      const text = (name: string): string | null => (line[name] == null ? null : String(line[name]));
      expect([line['body'], line['level']]).toEqual([logLine(text) ?? '', logLevel(text)]);
    }
  });

  it('says who did what to what', () => {
    const of = (row: Readonly<Record<string, string>>): string | null => logLine((name) => row[name] ?? null);
    expect(
      of({
        operation: 'Process',
        parent_process: '/bin/sh',
        process: '/bin/ls',
        resource: '/bin/ls -l',
        outcome: 'happened',
      }),
    ).toBe('Process /bin/sh → /bin/ls -l');
    expect(
      of({
        operation: 'Network',
        process: '/bin/curl',
        domain: 'a.b',
        remote_ip: '1.2.3.4',
        remote_port: '53',
        resource: 'sin_port=53',
      }),
    ).toBe('Network /bin/curl → a.b:53');
    expect(
      of({
        operation: 'Syscall',
        syscall: 'SYS_SETUID',
        source: '/sshd',
        outcome: 'blocked',
        policy: 'p',
        message: 'm',
      }),
    ).toBe('Syscall SYS_SETUID /sshd (blocked) [p] m');
    expect(of({ message: 'started' })).toBe('started');
    expect(of({ count: '1' })).toBeNull();
  });
});

describe('log context', () => {
  const anchor: Omit<LogContext, 'kind' | 'direction'> = {
    node: 'n1',
    seq: '2',
    timeNs: `${Date.UTC(2026, 0, 1, 10, 0, 20)}000000`,
    limit: 10,
  };

  async function around(
    direction: 'before' | 'after',
    more: Partial<LogContext> = {},
    of = built('logs', 'kubearmor.alerts'),
  ): Promise<readonly unknown[]> {
    const model = logContextQuery(of, { ...anchor, direction, ...more });
    expect(compileQuery(model, range).nodes).toEqual({ names: ['n1'] });
    // The node's own name is n1; what another node stored is not asked for by the condition either.
    const { rows } = await node.ask({ ...compileQuery(model, range), nodes: {} });
    return rows.map((row) => `${String(row['node'])}/${String(row['seq'])}`);
  }

  it('is what is before and after, of the same node and pod, never the anchor', async () => {
    expect(await around('before')).toEqual(['n1/1']);
    expect(await around('after')).toEqual(['n1/3', 'n1/5']);
  });

  it('of an alert is all that its pod did, not its alerts alone', async () => {
    const place = { outcome: 'happened', namespace: 'shop', pod: 'till-1' };
    await node.store('kubearmor.alerts', [{ time: '2026-01-01T12:00:01', seq: 41, ...place }]);
    await node.store('kubearmor.logs', [
      { time: '2026-01-01T12:00:00', seq: 40, ...place },
      { time: '2026-01-01T12:00:02', seq: 42, ...place },
    ]);
    const alert = { seq: '41', timeNs: `${Date.UTC(2026, 0, 1, 12, 0, 1)}000000` };
    expect(await around('before', alert)).toEqual(['n1/40']);
    expect(await around('after', alert)).toEqual(['n1/42']);
    const logs = built('logs', 'kubearmor.logs');
    expect(await around('after', { seq: '40', timeNs: `${Date.UTC(2026, 0, 1, 12)}000000` }, logs)).toEqual([
      'n1/41',
      'n1/42',
    ]);
  });

  it('goes on from any row without leaving one out or showing one twice', async () => {
    const first = await around('after', { limit: 1 });
    const second = await around('after', { seq: '3', limit: 1 });
    expect([...first, ...second]).toEqual(['n1/3', 'n1/5']);
    expect(await around('after', { seq: '5', timeNs: `${Date.UTC(2026, 0, 1, 10, 2)}000000` })).toEqual([]);
  });

  it('is of the same pod although the lines do not show it, or are SQL', async () => {
    const columns = built('logs', 'kubearmor.alerts', { columns: ['process', 'resource'] });
    expect(await around('after', {}, columns)).toEqual(['n1/3', 'n1/5']);
    const sql: ArmorlakeModel = { ...columns, editor: 'sql', sql: 'SELECT time, node, seq FROM kubearmor.alerts' };
    expect(await around('before', {}, sql)).toEqual(['n1/1']);
    expect(await around('after', {}, sql)).toEqual(['n1/3', 'n1/5']);
  });

  it('tells events of one microsecond from the next', async () => {
    await node.store('kubearmor.alerts', [
      { time: '2026-01-01T10:00:20.000000', seq: 20, outcome: 'happened', namespace: 'bank', pod: 'db-1' },
      { time: '2026-01-01T10:00:20.000001', seq: 21, outcome: 'happened', namespace: 'bank', pod: 'db-1' },
    ]);
    expect(await around('before', { seq: '20', timeNs: '1767261620000000999' })).toEqual([]);
    expect(await around('before', { seq: '21', timeNs: '1767261620000001000' })).toEqual(['n1/4', 'n1/20']);
  });

  it('of a host event is that of its host: no pod', async () => {
    await node.store('kubearmor.alerts', [
      { time: '2026-01-01T11:00:00', seq: 30, outcome: 'happened' },
      { time: '2026-01-01T11:00:01', seq: 31, outcome: 'happened', namespace: 'shop', pod: 'web-1' },
      { time: '2026-01-01T11:00:02', seq: 32, outcome: 'happened' },
    ]);
    const timeNs = `${Date.UTC(2026, 0, 1, 11)}000000`;
    expect(await around('after', { seq: '30', timeNs, limit: 1 })).toEqual(['n1/32']);
  });

  it('of an event that the node no longer holds is empty', async () => {
    expect(await around('before', { seq: '99' })).toEqual([]);
  });

  it('refuses an anchor that is none', async () => {
    await expect(around('before', { seq: "1' OR TRUE" })).rejects.toThrow('no whole number');
    await expect(around('before', { timeNs: '-1' })).rejects.toThrow('no whole number');
  });
});

describe('annotations', () => {
  const annotation = (kind: 'blocks' | 'gaps' | 'firings'): ArmorlakeModel => ({
    ...built('annotations', 'kubearmor.alerts'),
    annotation: kind,
  });

  it('are what policies blocked', async () => {
    expect(await node.rows(annotation('blocks'))).toEqual([
      expect.objectContaining({
        time: '2026-01-01T10:00:20.000001Z',
        timeEnd: null,
        title: 'Blocked: p2',
        text: 'bank/db-1 · (blocked) [p2]',
        tags: 'blocked',
        node: 'n1',
        seq: 4,
      }),
      expect.objectContaining({
        title: 'Blocked: p1',
        text: 'shop/web-1 · File /bin/sh → /etc/shadow (blocked) [p1] no <b>shadow</b>',
        tags: 'blocked,File,severity 9',
      }),
    ]);
  });

  it('are gaps and throttling as regions, cut to the range', async () => {
    await node.store('armorlake.gaps', [
      {
        node: 'n1',
        connector: 'k',
        stream: 'alerts',
        from_time: '2025-12-31T23:00:00',
        to_time: '2026-01-01T01:00:00',
        cause: 'break:13',
        estimated: 7,
      },
      { node: 'n1', connector: 'k', stream: 'logs', from_time: '2026-01-01T20:00:00', cause: 'throttle' },
      {
        node: 'n1',
        connector: 'k',
        stream: 'logs',
        from_time: '2025-12-30T20:00:00',
        to_time: '2025-12-31T00:00:00',
        cause: 'before',
      },
    ]);
    expect(await node.rows(annotation('gaps'))).toEqual([
      {
        time: '2026-01-01T20:00:00.000000Z',
        timeEnd: '2026-01-02T00:00:00.000000Z',
        title: 'Throttled: n1',
        text: 'cause throttle · k · logs · still open',
        tags: 'throttling,throttle',
        node: 'n1',
      },
      {
        time: '2026-01-01T00:00:00.000000Z',
        timeEnd: '2026-01-01T01:00:00.000000Z',
        title: 'Gap: n1',
        text: 'cause break:13 · k · alerts · about 7 events missing',
        tags: 'gap,break:13',
        node: 'n1',
      },
    ]);
    expect(await node.rows(built('table', 'armorlake.gaps'))).toHaveLength(2);
  });

  it('are firings, where the node has them', async () => {
    const { status, error } = await node.ask(compileQuery(annotation('firings'), range));
    expect([status, error?.code]).toEqual([400, 'UNKNOWN_TABLE']);
    if (error === undefined) throw new Error('it is an error');
    expect(explainRefusal(annotation('firings'), error).message).toContain('keeps no firings');
    expect(explainRefusal(annotation('blocks'), error)).toBe(error);
    expect(explainRefusal(annotation('firings'), { ...error, code: 'BUSY' }).code).toBe('BUSY');
  });

  it('are what SQL says', async () => {
    const model = {
      ...annotation('blocks'),
      annotation: 'sql' as const,
      sql: "SELECT $__timeFrom AS time, 'x' AS text",
    };
    expect(await node.rows(model)).toEqual([{ time: '2026-01-01T00:00:00.000000Z', text: 'x' }]);
  });
});
