import type { ArmorlakeModel } from '../../shared/index.js';
import { isBlankTarget, printable, TREE_BOUNDS } from '../../shared/index.js';
import type { Answer } from '../query/types.js';
import { NamedColumns } from './columns.js';
import type { Notice } from './frame.js';
import { numberAt, timeMsAt, valueAt } from './vector.js';

/** Characters of a command line that are shown. */
const MOST_SHOWN = 300;

/** The outcome of a start that no event tells of. */
export const NOT_SEEN = 'start not seen';

/** A process as `treeSql` answers it; texts as the event has them. */
export interface ProcessRow {
  /** 0: the event's process; above it negative. */
  readonly depth: number;
  readonly kind: 'exec' | 'refused' | 'unseen';
  readonly node: string;
  /** With the node the identity of the process: the row of its exec, or the first that was seen of it. */
  readonly seq: bigint;
  readonly parentSeq: bigint | null;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly timeMs: number;
  /** The last that was seen of it, ms since 1970. */
  readonly lastSeenMs: number;
  readonly hostPid: number;
  readonly hostPpid: number;
  readonly files: number;
  readonly connections: number;
  readonly alerts: number;
  readonly events: number;
  /** Any other column as text, '' where there is none. */
  readonly text: (column: string) => string;
}

export interface ProcessAnswer {
  /** Nearest to the event's process first in each direction, as the node gave them; parents before their children. */
  readonly rows: readonly ProcessRow[];
  readonly notices: readonly Notice[];
}

const kinds = ['exec', 'refused', 'unseen'] as const;

/** The processes of an answer, and what there is to say of it. */
export function processAnswer(answer: Answer, model: ArmorlakeModel): ProcessAnswer {
  const rows = rowsOf(answer);
  const { target } = model.process;
  if (target === null || isBlankTarget(target)) {
    return {
      rows: [],
      notices: [{ severity: 'info', text: 'No event is chosen yet: name its node and its number (seq).' }],
    };
  }
  if (rows.length === 0) return { rows, notices: [{ severity: 'warning', text: whyEmpty(answer, target) }] };
  return { rows, notices: cuts(rows) };
}

function rowsOf(answer: Answer): readonly ProcessRow[] {
  const columns = new NamedColumns(answer);
  const number = (name: string, row: number): number | null => {
    const vector = columns.get(name);
    return vector === null ? null : numberAt(vector, row);
  };
  const whole = (name: string, row: number): bigint | null => {
    const vector = columns.get(name);
    const value = vector === null ? null : valueAt(vector, row);
    return typeof value === 'bigint' || typeof value === 'number' ? BigInt(value) : null;
  };
  const ms = (name: string, row: number): number | null => {
    const vector = columns.get(name);
    return vector === null ? null : timeMsAt(vector, row);
  };
  return Array.from({ length: answer.rows }, (_, row) => row).flatMap((row): ProcessRow[] => {
    const seq = whole('seq', row);
    const time = whole('time', row);
    const timeMs = ms('time', row);
    if (seq === null || time === null || timeMs === null) return [];
    return [
      {
        depth: number('depth', row) ?? 0,
        kind: kinds.find((kind) => kind === columns.text('kind', row)) ?? 'unseen',
        node: columns.text('node', row) ?? '',
        seq,
        parentSeq: whole('parent_seq', row),
        time,
        timeMs,
        lastSeenMs: ms('last_seen', row) ?? timeMs,
        hostPid: number('host_pid', row) ?? 0,
        hostPpid: number('host_ppid', row) ?? 0,
        files: number('files', row) ?? 0,
        connections: number('connections', row) ?? 0,
        alerts: number('alerts', row) ?? 0,
        events: number('events', row) ?? 0,
        text: (column) => columns.text(column, row) ?? '',
      },
    ];
  });
}

/** Why there is no process, as exactly as the answer tells. */
function whyEmpty(answer: Answer, target: NonNullable<ArmorlakeModel['process']['target']>): string {
  const node = printable(target.node.trim());
  // A node that answers says at least what it holds.
  if (answer.rows === 0) return `Node ${node}, which holds the event, did not answer.`;
  const columns = new NamedColumns(answer);
  const time = columns.text('target_time', 0);
  if (time !== null) {
    return `The event is of ${time}, which is outside of the time range: choose a range that holds that moment.`;
  }
  const first = columns.text('first_seq', 0);
  const last = columns.text('last_seq', 0);
  if (first === null || last === null) return `Node ${node} holds no events.`;
  if (target.by === 'pid') {
    return `Node ${node} holds no event of PID ${printable(target.pid)} until that time: it did nothing that KubeArmor watches, or retention has removed it.`;
  }
  const seq = BigInt(target.seq.trim());
  const held = `it holds ${first} to ${last}`;
  if (seq < BigInt(first))
    return `Event ${seq} of node ${node} is no longer there: retention has removed it (${held}).`;
  return seq > BigInt(last)
    ? `Node ${node} has no event ${seq} yet (${held}).`
    : `Node ${node} has no event ${seq} (${held}): it was removed, or it is a message and not a process's.`;
}

function cuts(rows: readonly ProcessRow[]): readonly Notice[] {
  const found = Number(rows[0]?.text('found') ?? 0);
  const deepest = rows.some(({ depth }) => depth === TREE_BOUNDS.below);
  const cut =
    found > rows.length
      ? [`Of ${String(found)} processes the ${String(rows.length)} nearest are shown: go on from one further down.`]
      : [];
  const deep = deepest
    ? [`Nothing below ${String(TREE_BOUNDS.below)} generations is shown: go on from one there.`]
    : [];
  return [...cut, ...deep].map((text) => ({ severity: 'warning', text }));
}

/** What was run, in one safe line: the command line of an exec, the program of what was only seen later. */
export function commandOf(row: ProcessRow): string {
  const command = row.text('operation') === 'Process' ? row.text('resource') : '';
  return screenLine(command === '' ? row.text('process') : command);
}

/** The program's name without its folders. */
export function programOf(row: ProcessRow): string {
  const path = row.text('process') === '' ? (commandOf(row).split(' ')[0] ?? '') : row.text('process');
  return screenLine(path.slice(path.lastIndexOf('/') + 1) || path);
}

/** Event text as one line of a screen, not too long. */
export function screenLine(text: string): string {
  const safe = printable(text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text);
  return safe === '' ? '(unknown)' : safe;
}

export function userOf(row: ProcessRow): string {
  return printable(row.text('user_name') === '' ? row.text('uid') : row.text('user_name'));
}

/** Where it ran: its pod, or the host. */
export function placeOf(row: ProcessRow): string {
  const pod = row.text('pod');
  const place = pod === '' ? row.text('host') : [row.text('namespace'), pod].filter((part) => part !== '').join('/');
  return screenLine(place);
}

/** `1 alert`, `2 alerts`. */
export function counted(count: number, what: string): string {
  return `${String(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** What came of its start. */
export function outcomeOf(row: ProcessRow): string {
  return row.kind === 'unseen' ? NOT_SEEN : printable(row.text('outcome'));
}

/** The children of each process, first started first; of the processes without a parent here under null. */
export function childrenOf(rows: readonly ProcessRow[]): ReadonlyMap<bigint | null, readonly ProcessRow[]> {
  const known = new Set(rows.map(({ seq }) => seq));
  const children = new Map<bigint | null, ProcessRow[]>();
  for (const row of rows) {
    const parent = row.parentSeq !== null && known.has(row.parentSeq) ? row.parentSeq : null;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [row]);
    else siblings.push(row);
  }
  for (const siblings of children.values()) {
    siblings.sort((a, b) => (a.time === b.time ? Number(a.seq - b.seq) : a.time < b.time ? -1 : 1));
  }
  return children;
}
