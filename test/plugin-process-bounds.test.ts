import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TREE_BOUNDS } from '../plugin/shared/index.js';
import { EventMaker, blocked } from './support/process-events.js';
import { ProcessLake, noticeOf, rowsOf } from './support/process-lake.js';
import type { ProcessQuery } from '../plugin/shared/index.js';

const deep = new EventMaker({ HostName: 'deep' });
const wide = new EventMaker({ HostName: 'wide' });
const hostile = new EventMaker({ HostName: 'hostile' });
const coarse = new EventMaker({ HostName: 'coarse' });

const GENERATIONS = 50;
const CHILDREN = TREE_BOUNDS.processes + 50;

/** Escapes for a terminal, marks that turn text round, HTML, a formula, a forged branch, line breaks. */
const evil =
  '/tmp/\u001b[31mred\u001b[0m \u202egnp.exe\u202c <img src=x onerror=alert(1)> =1+1 \n└─ /bin/forged \u200b';

let lake: ProcessLake;

beforeAll(async () => {
  lake = await ProcessLake.open();
  await lake.post([
    ...Array.from({ length: GENERATIONS }, (_, level) => deep.exec(level, 1000 + level, 999 + level, `/bin/p${level}`)),
    wide.exec(0, 10, 1, '/bin/top'),
    ...Array.from({ length: CHILDREN }, (_, child) => wide.exec(1 + child / 1000, 2000 + child, 10, `/bin/c${child}`)),
    wide.exec(3, 9000, 2000, '/bin/grandchild'),
    wide.exec(4, 9001, 10, '/tmp/refused', blocked),
    hostile.exec(0, 10, 1, '/bin/sh', { ParentProcessName: evil }),
    hostile.exec(1, 11, 10, evil, { ProcessName: evil, UserName: evil, PodName: evil }),
    // Older agents: whole seconds, so that arrival tells the order.
    ...[
      coarse.exec(5, 20, 1, '/bin/a'),
      coarse.exec(5, 21, 20, '/bin/b'),
      coarse.file(5, 21, '/f'),
      coarse.exec(5, 21, 30, '/bin/c'),
      coarse.file(5, 21, '/g'),
    ].map((event) => ({ ...event, UpdatedTime: '' })),
  ]);
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

describe('a deep tree', () => {
  it('goes down so far, says so, and goes on from there', async () => {
    const { lines, rows, notice } = await lake.tree("host = 'deep' AND host_pid = 1000");
    expect(lines).toHaveLength(1 + 1 + TREE_BOUNDS.below);
    expect(rows.at(-1)?.['host_pid']).toBe(String(1000 + TREE_BOUNDS.below));
    expect(notice).toMatch(/Nothing below 24 generations is shown/);
  });

  it('goes up so far, from where the parent leads on', async () => {
    const { rows } = await lake.tree(`host = 'deep' AND host_pid = ${999 + GENERATIONS}`);
    expect(rows).toHaveLength(1 + TREE_BOUNDS.above);
    expect(rows[0]?.['host_pid']).toBe(String(999 + GENERATIONS - TREE_BOUNDS.above));
    expect(rows[0]?.['↑ parent']).not.toBeNull();
  });
});

describe('a wide tree', () => {
  it('is cut at the nearest processes, and says so', async () => {
    const { rows, notice } = await lake.tree("host = 'wide' AND host_pid = 10");
    expect(rows.filter(({ time }) => time !== null)).toHaveLength(TREE_BOUNDS.processes);
    expect(notice).toMatch(new RegExp(`Of ${CHILDREN + 3} processes the ${TREE_BOUNDS.processes} nearest are shown`));
  });

  it.each([1, 40, 200, 5000])('is a graph of no more than %i nodes, whole, and at most 200', async (nodeLimit) => {
    const target = { by: 'event', node: 'edge', seq: await lake.seq("host = 'wide' AND host_pid = 10") } as const;
    const process: Partial<ProcessQuery> = { target, nodeLimit };
    const { frames } = await lake.ask('graph', process);
    const [nodes = [], edges = []] = frames.map(rowsOf);
    const most = Math.min(nodeLimit, 200);
    expect(nodes).toHaveLength(most);
    expect(edges).toHaveLength(most - 1);
    expect(nodes[0]?.['title']).toBe('▶ top');
    const [frame] = frames;
    expect(frame === undefined ? '' : noticeOf(frame)).toMatch(
      new RegExp(
        `${String(most)} of 1000 processes are drawn.* Of ${CHILDREN + 3} processes|Of .*${String(most)} of 1000`,
      ),
    );
    const hidden = Number(/\+(\d+) not drawn/.exec(String(nodes[0]?.['secondarystat']))?.[1]);
    expect(hidden).toBe(TREE_BOUNDS.processes - most);
  });
});

describe('hostile text', () => {
  it('can neither act nor hide in a tree, a waterfall or a graph', async () => {
    const target = { by: 'event', node: 'edge', seq: await lake.seq("host = 'hostile' AND host_pid = 10") } as const;
    const behaviour = {
      builder: { table: 'kubearmor.logs', filters: [{ column: 'host', operator: 'is', values: ['hostile'] }] },
    };
    const answers = [
      await lake.ask('tree', { target }),
      await lake.ask('tree', { target, view: 'waterfall' }),
      await lake.ask('graph', { target }),
      await lake.ask('graph', { graph: 'behaviour' }, {}, behaviour),
    ];
    for (const { frames, error } of answers) {
      expect(error).toBe('');
      const text = frames.flatMap(({ fields }) => fields.flatMap(({ values }) => values)).join('');
      expect(text).toContain('red');
      expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e]/u);
    }
    // The forged branch stays within the one line of its process, whose parent is told likewise.
    const tree = await lake.tree("host = 'hostile' AND host_pid = 10");
    expect(tree.lines).toHaveLength(3);
    expect(tree.lines[2]).toMatch(/^ {3}└─ \/tmp\/\\u\{1b\}\[31mred.*\\u\{a\}└─ \/bin\/forged/);
  });
});

describe('times of whole seconds', () => {
  it('are told apart by arrival', async () => {
    const first = await lake.tree("host = 'coarse' AND host_pid = 20");
    expect(first.lines.slice(1)).toEqual(['└─ ▶ /bin/a', '   └─ /bin/b']);
    expect(first.rows.at(-1)).toMatchObject({ files: '1' });
    const second = await lake.tree("host = 'coarse' AND resource = '/g'");
    expect(second.lines.slice(1)).toEqual(['└─ ▶ /bin/c']);
    expect(second.rows.at(-1)).toMatchObject({ files: '1' });
  });
});
