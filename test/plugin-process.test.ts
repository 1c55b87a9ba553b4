import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventMaker, at, audited, blocked } from './support/process-events.js';
import { ProcessLake, noticeOf, rowsOf, treeOf } from './support/process-lake.js';

const one = new EventMaker({ HostName: 'host-1', NodeID: 'machine-1' });
/** The same PIDs on another machine that the same node serves. */
const two = new EventMaker({ HostName: 'host-2', NodeID: 'machine-2' });
/** A clone: the same host name, another machine. */
const clone = new EventMaker({ HostName: 'host-1', NodeID: 'machine-9' });
const west = new EventMaker({ HostName: 'host-1', NodeID: 'machine-1', ClusterName: 'west' });

const session = [
  one.exec(0, 100, 50, '/bin/bash', { ParentProcessName: '/usr/bin/containerd-shim' }),
  one.exec(10, 101, 100, '/usr/bin/curl http://x.example'),
  one.connect(11, 101, '203.0.113.9', 443),
  one.connect(11.5, 101, '203.0.113.9', 443),
  one.connect(12, 101, '203.0.113.10', 80),
  one.file(12.5, 101, '/tmp/x'),
  one.exec(20, 102, 100, '/bin/sh -c ./run.sh'),
  one.file(21, 102, '/etc/passwd', audited),
  one.exec(22, 103, 102, '/usr/bin/id'),
  // One refused exec: the alert of the policy, and the log of the system call.
  one.exec(23, 104, 102, '/tmp/xmrig -o pool', blocked),
  one.exec(23.0004, 104, 102, '/tmp/xmrig -o pool', { Result: 'Permission denied' }),
  // What forked without an exec.
  one.file(24, 105, '/var/log/a', { HostPPID: 102, ProcessName: '/bin/sh' }),
  one.exec(25, 106, 105, '/usr/bin/tail -f'),
  // The PID of curl again, for somebody else.
  one.exec(40, 101, 60, '/usr/sbin/nginx', { ParentProcessName: '/sbin/init', PodName: 'proxy-1' }),
  one.exec(41, 107, 101, '/usr/sbin/nginx -t', { PodName: 'proxy-1' }),
  one.file(42, 101, '/etc/nginx/nginx.conf', { PodName: 'proxy-1' }),
];

const others = [two, clone, west].flatMap((machine, index) => [
  machine.exec(1, 100, 50, `/bin/other-${String(index)}`),
  machine.exec(10.5, 101, 100, `/usr/bin/wget-${String(index)}`),
  machine.file(13, 101, `/other/${String(index)}`),
]);

let lake: ProcessLake;

beforeAll(async () => {
  lake = await ProcessLake.open();
  // In any order: KubeArmor's own is none.
  await lake.post([...others, ...session].reverse());
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

const mine = "machine_id = 'machine-1' AND cluster = 'default'";

describe('the tree of an event', () => {
  it('has the processes above it, its own, and all that came of it, with what they did', async () => {
    const { lines, rows, notice, frame } = await lake.tree(`${mine} AND host_pid = 100`);
    expect(lines).toEqual([
      '/usr/bin/containerd-shim (PID 50, start not seen)',
      '└─ ▶ /bin/bash',
      '   ├─ /usr/bin/curl http://x.example',
      '   └─ /bin/sh -c ./run.sh',
      '      ├─ /usr/bin/id',
      '      ├─ ✕ /tmp/xmrig -o pool',
      '      └─ /bin/sh',
      '         └─ /usr/bin/tail -f',
    ]);
    expect(notice).toBe('');
    const picked = rows.map((row) => [
      row['host_pid'],
      row['outcome'],
      row['files'],
      row['connections'],
      row['alerts'],
    ]);
    expect(picked).toEqual([
      ['50', null, null, null, null],
      ['100', 'happened', '0', '0', '0'],
      ['101', 'happened', '1', '2', '0'],
      ['102', 'happened', '1', '0', '1'],
      ['103', 'happened', '0', '0', '0'],
      ['104', 'blocked', '0', '0', '1'],
      ['105', 'start not seen', '1', '0', '0'],
      ['106', 'happened', '0', '0', '0'],
    ]);
    expect(rows.map((row) => row['+Δ'])).toEqual([null, 0, 10_000, 20_000, 22_000, 23_000, 24_000, 25_000]);
    expect(frame.meta['preferredVisualisationType']).toBe('table');
  });

  it('leads to the tree of each process, and to the parent', async () => {
    const { rows, frame } = await lake.tree(`${mine} AND host_pid = 103`);
    const [, bash, sh, id] = rows;
    expect([sh?.['↑ parent'], id?.['↑ parent']]).toEqual([bash?.['seq'], sh?.['seq']]);
    const links = Object.fromEntries(
      frame.fields.map(({ name, config }) => [
        name,
        (config as { links?: { url: string }[] } | undefined)?.links?.[0]?.url,
      ]),
    );
    expect(links['tree']).toMatch(/var-event_node=.*data\.fields\.node.*&var-seq=.*data\.fields\.seq/);
    expect(links['↑ parent']).toMatch(/var-event_node=.*data\.fields\.node.*&var-seq=/);
  });

  it('of what a process did is that of the process', async () => {
    const { lines } = await lake.tree(`${mine} AND host_pid = 102 AND operation = 'File'`);
    expect(lines[2]).toBe('   └─ ▶ /bin/sh -c ./run.sh');
    const early = await lake.tree(`${mine} AND host_pid = 101 AND operation = 'Network'`);
    expect(early.lines).toEqual([
      '/usr/bin/containerd-shim (PID 50, start not seen)',
      '└─ /bin/bash',
      '   └─ ▶ /usr/bin/curl http://x.example',
    ]);
  });

  it('of a refused exec is a leaf, from either of its rows', async () => {
    for (const kind of ['alert', 'log']) {
      const { lines, rows } = await lake.tree(`${mine} AND host_pid = 104 AND kind = '${kind}'`);
      expect(lines.at(-1)).toBe('      └─ ▶ ✕ /tmp/xmrig -o pool');
      expect(rows.at(-1)).toMatchObject({ alerts: '1', outcome: 'blocked' });
    }
  });
});

describe('what is not the same process', () => {
  it('a PID that was given again', async () => {
    const { lines, rows } = await lake.tree(`${mine} AND host_pid = 101 AND process = '/usr/sbin/nginx'`);
    expect(lines).toEqual(['/sbin/init (PID 60, start not seen)', '└─ ▶ /usr/sbin/nginx', '   └─ /usr/sbin/nginx -t']);
    expect(rows[1]).toMatchObject({ files: '1', connections: '0', pod: 'shop/proxy-1' });
    const file = await lake.tree(`${mine} AND resource = '/etc/nginx/nginx.conf'`);
    expect(file.lines[1]).toBe('└─ ▶ /usr/sbin/nginx');
  });

  it.each([
    ['machine', "machine_id = 'machine-2'", 0],
    ['clone of a machine', "machine_id = 'machine-9'", 1],
    ['machine of another cluster', "cluster = 'west'", 2],
  ])('the same PIDs of another %s', async (_what, where, index) => {
    const { lines, rows } = await lake.tree(`${where} AND host_pid = 100`);
    expect(lines).toEqual([
      '/bin/bash (PID 50, start not seen)',
      `└─ ▶ /bin/other-${String(index)}`,
      `   └─ /usr/bin/wget-${String(index)}`,
    ]);
    expect(rows.at(-1)).toMatchObject({ files: '1', connections: '0' });
  });
});

describe('the process of a PID', () => {
  const target = { by: 'pid', node: 'edge', host: 'machine-1', pid: '101', time: '' } as const;

  it('is the last one that had it until a time, on one host', async () => {
    const early = treeOf(await lake.ask('tree', { target: { ...target, host: 'host-2', time: at(30) } }));
    expect(early.lines.at(-1)).toBe('   └─ ▶ /usr/bin/wget-0');
    const late = treeOf(await lake.ask('tree', { target }));
    expect(late.lines).toContain('└─ ▶ /usr/sbin/nginx');
    const time = String(Date.parse(at(12)));
    expect(treeOf(await lake.ask('tree', { target: { ...target, time } })).lines).toContain(
      '   └─ ▶ /usr/bin/curl http://x.example',
    );
  });

  it('is nothing where it was not seen yet', async () => {
    const none = treeOf(await lake.ask('tree', { target: { ...target, pid: '4711' } }));
    expect(none.rows).toEqual([]);
    expect(none.notice).toMatch(/Node edge holds no event of PID 4711 until that time/);
    const wrong = await lake.ask('tree', { target: { ...target, time: 'yesterday' } });
    expect(wrong.error).toMatch(/The time of a process is a time, not "yesterday"/);
  });
});

describe('without a process', () => {
  const empty = async (node: string, seq: string, query = {}): Promise<string> => {
    const { rows, notice } = treeOf(await lake.ask('tree', { target: { by: 'event', node, seq } }, query));
    expect(rows).toEqual([]);
    return notice;
  };

  it('says what is missing', async () => {
    expect(await empty('edge', '999999')).toMatch(/Node edge has no event 999999 yet \(it holds 1 to \d+\)/);
    const unknown = await lake.ask('tree', { target: { by: 'event', node: 'nowhere', seq: '1' } });
    expect(unknown.error).toMatch(/No node of that name/);
    expect(await empty('', '')).toMatch(/No event is chosen yet/);
    expect(await empty('edge', ' ')).toMatch(/No event is chosen yet/);
    const later = { fromMs: Date.UTC(2026, 1, 1), toMs: Date.UTC(2026, 1, 2) };
    expect(await empty('edge', await lake.seq(`${mine} AND host_pid = 103`), later)).toMatch(
      /The event is of 2026-01-01T10:00:22\.000000Z, which is outside of the time range/,
    );
  });

  it('refuses what is no number, and a variable without a value', async () => {
    const ask = async (seq: string): Promise<string> =>
      (await lake.ask('tree', { target: { by: 'event', node: 'edge', seq } })).error;
    expect(await ask('1; DROP')).toMatch(/The number of an event is a whole number, not "1; DROP"/);
    expect(await ask('9'.repeat(19))).toMatch(/whole number/);
    expect(await ask('$seq')).toMatch(/The variable \$seq has no value here/);
  });
});

describe('the waterfall', () => {
  it('is observed activity: a bar ends with the last that was seen of a process or its descendants', async () => {
    const target = { by: 'event', node: 'edge', seq: await lake.seq(`${mine} AND host_pid = 100`) } as const;
    const { frames } = await lake.ask('tree', { target, view: 'waterfall' });
    const [frame] = frames;
    if (frame === undefined) throw new Error('no frame');
    expect(frame.name).toBe('observed activity');
    expect(frame.meta['preferredVisualisationType']).toBe('trace');
    const spans = rowsOf(frame);
    expect(spans.map((span) => [span['operationName'], span['duration']])).toEqual([
      ['observed activity', 25_000],
      ['bash', 25_000],
      ['curl', 2_500],
      ['sh', 5_000],
      ['id', 0],
      ['✕ xmrig', 0.4],
      ['sh', 1_000],
      ['tail', 0],
    ]);
    const ids = spans.map(({ spanID }) => spanID);
    expect(spans.slice(1).every(({ parentSpanID }) => ids.includes(parentSpanID))).toBe(true);
    const red = spans.filter(({ tags }) => String(tags).includes('{"key":"error","value":true}'));
    expect(red.map(({ operationName }) => operationName)).toEqual(['sh', '✕ xmrig']);
  });
});

describe('the graph', () => {
  it('has an edge from each process to what it started', async () => {
    const target = { by: 'event', node: 'edge', seq: await lake.seq(`${mine} AND host_pid = 102`) } as const;
    const { frames } = await lake.ask('graph', { target });
    expect(frames.map(({ name }) => name)).toEqual(['nodes', 'edges']);
    const [nodes, edges] = frames.map(rowsOf);
    const titles = new Map(nodes?.map(({ id, title }) => [id, title]));
    expect(edges?.map(({ source, target: to }) => [titles.get(source), titles.get(to)])).toEqual([
      ['bash', '▶ sh'],
      ['▶ sh', 'id'],
      ['▶ sh', 'xmrig'],
      ['▶ sh', 'sh'],
      ['sh', 'tail'],
    ]);
    expect(nodes?.filter((node) => node['arc__blocked'] === 1).map(({ title }) => title)).toEqual(['xmrig']);
    expect(frames[0]?.meta['preferredVisualisationType']).toBe('nodeGraph');
  });

  it('of behaviour goes from pods over processes to what they touched', async () => {
    const builder = {
      table: 'kubearmor.events',
      filters: [{ column: 'operation', operator: 'is', values: ['Network'] }],
    };
    const { frames } = await lake.ask('graph', { graph: 'behaviour' }, {}, { builder });
    const [nodes, edges] = frames.map(rowsOf);
    const titles = new Map(nodes?.map(({ id, title }) => [id, title]));
    expect(edges?.map(({ source, target, mainstat }) => [titles.get(source), titles.get(target), mainstat])).toEqual([
      ['web-1', '/bin/some', '3'],
      ['/bin/some', '203.0.113.9:443 TCP', '2'],
      ['/bin/some', '203.0.113.10:80 TCP', '1'],
    ]);
    // Who ran something is its parent, and what it touched is what was run.
    const execs = {
      table: 'kubearmor.logs',
      filters: [
        { column: 'operation', operator: 'is', values: ['Process'] },
        { column: 'pod', operator: 'is', values: ['proxy-1'] },
      ],
    };
    const [starts, ways] = (await lake.ask('graph', { graph: 'behaviour' }, {}, { builder: execs })).frames.map(rowsOf);
    const names = new Map(starts?.map(({ id, title }) => [id, title]));
    expect(ways?.map(({ source, target }) => [names.get(source), names.get(target)])).toEqual([
      ['proxy-1', '/bin/bash'],
      ['/bin/bash', '/usr/sbin/nginx'],
      ['proxy-1', '/sbin/init'],
      ['/sbin/init', '/usr/sbin/nginx'],
    ]);
    const firstFrame = frames[0];
    expect(firstFrame === undefined ? 'none' : noticeOf(firstFrame)).toBe('');
  });
});
