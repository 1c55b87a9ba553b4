import type { ArmorlakeModel } from '../../shared/index.js';
import { LIMITS } from '../../shared/index.js';
import type { Answer } from '../query/types.js';
import { behaviourGraph } from './graph-behaviour.js';
import type { Graph, GraphNode } from './graph-parts.js';
import { nodeGraphFrames } from './graph-parts.js';
import type { Frame } from './frame.js';
import type { ProcessPlace } from './process-links.js';
import { linkedField, rerootLinks } from './process-links.js';
import type { ProcessRow } from './process-rows.js';
import { commandOf, counted, outcomeOf, processAnswer, programOf, screenLine, userOf } from './process-rows.js';

/** Processes around an event, or what pods do, as a graph of no more nodes than was asked for. */
export function graphFrames(answer: Answer, model: ArmorlakeModel, place: ProcessPlace): readonly Frame[] {
  const limit = Math.min(model.process.nodeLimit, LIMITS.graph.most);
  if (model.process.graph === 'behaviour') return nodeGraphFrames(behaviourGraph(answer, limit), []);
  const { rows, notices } = processAnswer(answer, model);
  const links = rerootLinks(model, place, {
    title: 'Process tree',
    node: linkedField('detail__node'),
    seq: linkedField('id'),
  });
  return nodeGraphFrames(processGraph(rows, limit), links, notices);
}

function processGraph(rows: readonly ProcessRow[], limit: number): Graph {
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  const kept = mostTelling(rows, bySeq, limit);
  const hidden = new Map<bigint, number>();
  for (const row of rows) {
    if (kept.has(row.seq)) continue;
    let above = parentOf(row, bySeq);
    while (above !== null && !kept.has(above.seq)) above = parentOf(above, bySeq);
    if (above !== null) hidden.set(above.seq, (hidden.get(above.seq) ?? 0) + 1);
  }
  const shown = rows.filter(({ seq }) => kept.has(seq));
  return {
    nodes: shown.map((row) => nodeOf(row, hidden.get(row.seq) ?? 0)),
    edges: shown.flatMap((row) => {
      const parent = parentOf(row, bySeq);
      if (parent === null || !kept.has(parent.seq)) return [];
      return [{ source: String(parent.seq), target: String(row.seq), mainstat: '', secondarystat: '' }];
    }),
    notices:
      shown.length === rows.length
        ? []
        : [
            `${String(shown.length)} of ${String(rows.length)} processes are drawn, those with alerts and the most activity first; the tree shows all.`,
          ],
  };
}

function parentOf(row: ProcessRow, bySeq: ReadonlyMap<bigint, ProcessRow>): ProcessRow | null {
  return row.parentSeq === null ? null : (bySeq.get(row.parentSeq) ?? null);
}

/** The processes to keep: with each one all between it and the top, so that the graph stays whole. */
function mostTelling(
  rows: readonly ProcessRow[],
  bySeq: ReadonlyMap<bigint, ProcessRow>,
  limit: number,
): ReadonlySet<bigint> {
  const kept = new Set<bigint>();
  for (const row of [...rows].sort((a, b) => weightOf(b) - weightOf(a))) {
    const path: bigint[] = [];
    for (let at: ProcessRow | null = row; at !== null && !kept.has(at.seq); at = parentOf(at, bySeq)) path.push(at.seq);
    // Of those above the event's process the nearest count.
    const fitting = row.depth <= 0 ? path.slice(0, limit - kept.size) : path;
    if (kept.size + fitting.length <= limit) for (const seq of fitting) kept.add(seq);
  }
  return kept;
}

function weightOf({ depth, kind, alerts, events }: ProcessRow): number {
  if (depth === 0) return Number.MAX_SAFE_INTEGER;
  return (kind === 'refused' ? 1e9 : 0) + alerts * 1e6 + events - depth / 100;
}

function nodeOf(row: ProcessRow, hidden: number): GraphNode {
  const { alerts, events, files, connections, hostPid, kind, node, seq } = row;
  const state = kind === 'refused' ? 'blocked' : alerts > 0 ? 'alerts' : 'quiet';
  return {
    id: String(seq),
    title: `${row.depth === 0 ? '▶ ' : ''}${programOf(row)}`,
    subtitle: `PID ${String(hostPid)} · ${userOf(row)}`,
    mainstat: alerts > 0 ? counted(alerts, 'alert') : counted(events, 'event'),
    secondarystat: hidden === 0 ? '' : `+${String(hidden)} not drawn`,
    state,
    icon: '',
    details: {
      command: commandOf(row),
      outcome: outcomeOf(row),
      files: String(files),
      connections: String(connections),
      node: screenLine(node),
      seq: String(seq),
    },
  };
}
