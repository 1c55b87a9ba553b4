import type { ArmorlakeModel } from '../../shared/index.js';
import type { Answer } from '../query/types.js';
import type { Frame } from './frame.js';
import type { ProcessRow } from './process-rows.js';
import { commandOf, outcomeOf, placeOf, processAnswer, programOf, screenLine, userOf } from './process-rows.js';
import { floatVector, textVector } from './vector.js';

const TITLE = 'observed activity';
/** Grafana divides by the length of the whole. */
const SHORTEST_MS = 1;

interface Span {
  readonly id: string;
  readonly parent: string | null;
  readonly operation: string;
  readonly service: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly tags: Readonly<Record<string, string | number | boolean>>;
}

/**
 * The event's process and what came of it as a waterfall. KubeArmor sends no exits: a bar ends where the last was seen of
 * the process or of any that came of it, and the first bar's name says so.
 */
export function traceFrames(answer: Answer, model: ArmorlakeModel): readonly Frame[] {
  const { rows, notices } = processAnswer(answer, model);
  const spans = spansOf(rows.filter(({ depth }) => depth >= 0));
  const text = (value: (span: Span) => string | null): ReturnType<typeof textVector> => textVector(spans.map(value));
  return [
    {
      name: TITLE,
      meta: { preferredVisualisationType: 'trace', notices },
      fields: [
        { name: 'traceID', vector: text(() => spans[0]?.id ?? '') },
        { name: 'spanID', vector: text(({ id }) => id) },
        { name: 'parentSpanID', vector: text(({ parent }) => parent) },
        { name: 'operationName', vector: text(({ operation }) => operation) },
        { name: 'serviceName', vector: text(({ service }) => service) },
        {
          name: 'serviceTags',
          vector: textVector(
            spans.map(() => '[]'),
            'json',
          ),
        },
        { name: 'startTime', vector: floatVector(spans.map(({ startMs }) => startMs)) },
        {
          name: 'duration',
          vector: floatVector(spans.map(({ startMs, endMs }) => Math.round((endMs - startMs) * 1000) / 1000)),
        },
        {
          name: 'logs',
          vector: textVector(
            spans.map(() => '[]'),
            'json',
          ),
        },
        {
          name: 'tags',
          vector: textVector(
            spans.map(({ tags }) => pairs(tags)),
            'json',
          ),
        },
      ],
    },
  ];
}

function pairs(tags: Span['tags']): string {
  return JSON.stringify(Object.entries(tags).map(([key, value]) => ({ key, value })));
}

function spansOf(rows: readonly ProcessRow[]): readonly Span[] {
  const [root] = rows;
  if (root === undefined) return [];
  const ends = endsOf(rows);
  const whole = `${screenLine(root.node)}/${String(root.seq)} ${TITLE}`;
  const endMs = Math.max(ends.get(root.seq) ?? root.timeMs, root.timeMs + SHORTEST_MS);
  return [
    {
      id: whole,
      parent: null,
      operation: TITLE,
      service: placeOf(root),
      startMs: root.timeMs,
      endMs,
      tags: {
        note: 'KubeArmor sends no exits: a bar ends with the last that was seen of a process or its descendants.',
      },
    },
    ...rows.map((row): Span => ({
      id: String(row.seq),
      parent: row === root ? whole : String(row.parentSeq ?? root.seq),
      operation: `${row.kind === 'refused' ? '✕ ' : ''}${programOf(row)}`,
      service: placeOf(row),
      startMs: row.timeMs,
      endMs: ends.get(row.seq) ?? row.timeMs,
      tags: tagsOf(row),
    })),
  ];
}

/** The last that was seen of each process or of any that came of it. */
function endsOf(rows: readonly ProcessRow[]): ReadonlyMap<bigint, number> {
  const ends = new Map(rows.map(({ seq, timeMs, lastSeenMs }) => [seq, Math.max(timeMs, lastSeenMs)]));
  // Children come after their parents.
  for (const { seq, parentSeq } of [...rows].reverse()) {
    if (parentSeq === null) continue;
    const parentEnd = ends.get(parentSeq);
    if (parentEnd !== undefined) ends.set(parentSeq, Math.max(parentEnd, ends.get(seq) ?? 0));
  }
  return ends;
}

function tagsOf(row: ProcessRow): Span['tags'] {
  const { hostPid, hostPpid, files, connections, alerts, events, node, seq } = row;
  const counts = { files, connections, alerts, events };
  const session = row.text('exec_session');
  return {
    // Grafana paints it red.
    ...(row.kind === 'refused' || alerts > 0 ? { error: true } : {}),
    command: commandOf(row),
    outcome: outcomeOf(row),
    user: userOf(row),
    host_pid: hostPid,
    host_ppid: hostPpid,
    ...counts,
    ...(session === '' ? {} : { exec_session: screenLine(session) }),
    node: screenLine(node),
    seq: String(seq),
  };
}
