import type { ArmorlakeModel } from '../../shared/index.js';
import type { Answer } from '../query/types.js';
import { ordinaryOutcome, outcomeColors } from './field-config.js';
import type { Field, FieldConfig, Frame } from './frame.js';
import type { ProcessPlace } from './process-links.js';
import { linkedField, linkedValue, rerootLinks } from './process-links.js';
import type { ProcessRow } from './process-rows.js';
import {
  NOT_SEEN,
  childrenOf,
  commandOf,
  outcomeOf,
  placeOf,
  processAnswer,
  screenLine,
  userOf,
} from './process-rows.js';
import { floatVector, int64Vector, textVector, timeVector } from './vector.js';

/** One line of the indented tree. */
interface Line {
  readonly tree: string;
  /** null: a parent of which only its name and PID are known. */
  readonly row: ProcessRow | null;
  /** The event that tells of it: its own, or its child's. */
  readonly told: ProcessRow;
}

/** Widths in a table, px: the tree has the room that the rest leaves it. */
const wide = (width: number): Pick<FieldConfig, 'custom'> => ({ custom: { width } });

/** The outcomes' own colours; of what was not seen to start there is none. */
function outcomeConfig({ custom, mappings = [], ...rest }: FieldConfig): FieldConfig {
  const notSeen = { text: NOT_SEEN, color: outcomeColors['failed'] ?? '', index: 9 };
  return {
    ...rest,
    custom: { ...custom, width: 115 },
    mappings: [...mappings, { type: 'value', options: { [NOT_SEEN]: notSeen } }],
  };
}

/** A process that alerts speak of stands out; its outcome alone says nothing of policies. */
const alertsConfig: FieldConfig = {
  unit: 'none',
  decimals: 0,
  description: 'Alerts of KubeArmor',
  custom: { width: 95, cellOptions: { type: 'color-text' } },
  color: { mode: 'thresholds' },
  thresholds: {
    mode: 'absolute',
    steps: [
      { value: null, color: 'text' },
      { value: 1, color: outcomeColors['happened'] ?? '' },
    ],
  },
};

/** Blanks that no table folds together. */
const BLANK = '\u00a0\u00a0\u00a0';

/**
 * The processes around an event as an indented tree: those above it in a line, its own, and all that came of it. A click
 * on one draws the tree around it.
 */
export function treeFrames(answer: Answer, model: ArmorlakeModel, place: ProcessPlace): readonly Frame[] {
  const { rows, notices } = processAnswer(answer, model);
  const lines = linesOf(rows);
  const began = rows.find(({ depth }) => depth === 0)?.timeMs ?? 0;
  const each = <Value>(value: (row: ProcessRow) => Value): (Value | null)[] =>
    lines.map(({ row }) => (row === null ? null : value(row)));
  const count = (value: (row: ProcessRow) => number): Field['vector'] =>
    int64Vector(each((row) => BigInt(Math.trunc(value(row)))));
  const number: FieldConfig = { ...wide(95), unit: 'none', decimals: 0 };
  const fields: readonly Field[] = [
    { name: 'time', vector: timeVector(each(({ time }) => time)), config: wide(165) },
    {
      name: '+Δ',
      vector: floatVector(each(({ timeMs }) => timeMs - began)),
      config: { ...wide(85), unit: 'ms', description: "Time since the start of the event's process" },
    },
    {
      name: 'tree',
      vector: textVector(lines.map(({ tree }) => tree)),
      config: {
        ...wide(460),
        description: 'A click draws the tree around this process',
        links: rerootLinks(model, place, {
          title: 'Tree around this process',
          node: linkedField('node'),
          seq: linkedField('seq.numeric'),
        }),
      },
    },
    { name: 'user', vector: textVector(each(userOf)), config: wide(100) },
    {
      name: 'outcome',
      vector: textVector(each(outcomeOf)),
      config: outcomeConfig(ordinaryOutcome),
    },
    { name: 'files', vector: count(({ files }) => files), config: { ...number, description: 'Different files' } },
    {
      name: 'connections',
      vector: count(({ connections }) => connections),
      config: { ...number, ...wide(120), description: 'Different addresses and ports' },
    },
    {
      name: 'alerts',
      vector: count(({ alerts }) => alerts),
      config: alertsConfig,
    },
    { name: 'pod', vector: textVector(each(placeOf)), config: { description: 'Or the host, where there is no pod' } },
    { name: 'node', vector: textVector(lines.map(({ told }) => screenLine(told.node))) },
    {
      name: 'seq',
      vector: int64Vector(lines.map(({ told }) => told.seq)),
      config: { ...number, description: 'Event in which the process began, or that tells of it' },
    },
    {
      name: 'host_pid',
      vector: int64Vector(lines.map(({ row, told }) => BigInt(row === null ? told.hostPpid : row.hostPid))),
      config: number,
    },
    {
      name: '↑ parent',
      vector: int64Vector(lines.map(({ row }) => row?.parentSeq ?? null)),
      config: {
        unit: 'prefix:↑ ',
        decimals: 0,
        description: 'Event in which the parent began; a click draws the tree around it',
        links: rerootLinks(model, place, { title: '↑ parent', node: linkedField('node'), seq: linkedValue }),
      },
    },
  ];
  return [{ name: 'processes', meta: { preferredVisualisationType: 'table', notices }, fields }];
}

function linesOf(rows: readonly ProcessRow[]): readonly Line[] {
  const children = childrenOf(rows);
  const lines: Line[] = [];
  const draw = (row: ProcessRow, before: string, branch: string, after: string): void => {
    lines.push({ tree: `${before}${branch}${labelOf(row)}`, row, told: row });
    const own = children.get(row.seq) ?? [];
    own.forEach((child, index) => {
      const last = index === own.length - 1;
      draw(child, `${before}${after}`, last ? '└─ ' : '├─ ', last ? BLANK : `│${BLANK.slice(1)}`);
    });
  };
  for (const top of children.get(null) ?? []) {
    const parent = top.text('parent_process');
    // Its own start was never seen, or too long ago: what is known of it is what its child says.
    if (top.parentSeq === null && parent !== '') {
      lines.push({ tree: `${screenLine(parent)} (PID ${String(top.hostPpid)}, start not seen)`, row: null, told: top });
      draw(top, '', '└─ ', BLANK);
    } else draw(top, '', '', '');
  }
  return lines;
}

function labelOf(row: ProcessRow): string {
  const mark = row.depth === 0 ? '▶ ' : '';
  return `${mark}${row.kind === 'refused' ? '✕ ' : ''}${commandOf(row)}`;
}
