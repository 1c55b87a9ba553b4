import type { TextOf } from '../../shared/log-line.js';
import { logLevel, logLine } from '../../shared/log-line.js';
import { logColumns } from '../../shared/logs.js';
import type { LinkPlace } from '../frames/field-config.js';
import type { FieldConfig, Notice } from '../frames/frame.js';
import { logFrames } from '../frames/logs.js';
import type { Vector } from '../frames/vector.js';
import { textAt, textVector, timeMsAt, timeVector } from '../frames/vector.js';
import type { Answer } from '../query/types.js';
import type { TailRows } from './follow.js';

/** Columns that the log lines of a query have, too, and that are no labels. */
const LINE_COLUMNS: ReadonlySet<string> = new Set(['body', 'level']);

/** One log line: the JSON text of each of its fields. */
export type Line = readonly string[];

/** A field of a frame as Grafana Live takes it. */
export interface LiveField {
  readonly name: string;
  readonly type: 'time' | 'string' | 'other';
  readonly config?: FieldConfig;
}

/** What every event has, and what each line needs to lead to its process. */
const IDENTITY = [
  { name: 'time', type: 'TIMESTAMP' },
  { name: 'node', type: 'VARCHAR' },
  { name: 'seq', type: 'BIGINT' },
];

/** The fields of a line, those of a logs query: a panel puts both into one frame. */
export function lineFields(place: LinkPlace): readonly LiveField[] {
  return logFrames(answerOf({ schema: IDENTITY, rows: [] }), place).flatMap(({ fields }) =>
    fields.map(({ name, vector, config }) => ({
      name,
      type: vector.kind === 'time' ? 'time' : vector.kind === 'json' ? 'other' : 'string',
      ...(config === undefined ? {} : { config }),
    })),
  );
}

/** What is said of the stream itself, as one of its lines: Explore's live view draws no notices. No event is labelled so. */
export function noticeLine(fields: readonly LiveField[], { severity, text }: Notice, id: string, nowMs: number): Line {
  const values: Readonly<Record<string, unknown>> = {
    timestamp: nowMs,
    body: `Live tail: ${text}`,
    severity: severity === 'warning' || severity === 'error' ? severity : 'info',
    id: `notice/${id}`,
    labels: { armorlake: 'notice' },
  };
  return fields.map(({ name }) => JSON.stringify(values[name] ?? null));
}

/** The last rows of a table as log lines, with the columns that a logs query shows; `most` bounds them. */
export function linesOf({ schema, rows }: TailRows, table: string, most: number, place: LinkPlace): readonly Line[] {
  const last = rows.slice(-most);
  const answer = answerOf({ schema, rows: last });
  // The line is made of more columns than are shown beside it.
  const columns = withLine(answer);
  const shown = logColumns(table);
  const beside = columns.filter(({ name }) => shown === null || shown.has(name) || LINE_COLUMNS.has(name));
  const [frame] = logFrames({ ...answer, columns: beside }, place);
  if (frame === undefined) return [];
  return last.map((_, row) => frame.fields.map(({ vector }) => jsonAt(vector, row)));
}

/** With `body` and `level`, as a query's SQL makes them. */
function withLine({ columns, rows }: Answer): Answer['columns'] {
  const column = (name: string, make: (text: TextOf) => string | null): Answer['columns'] => {
    if (columns.some((each) => each.name === name)) return [];
    const texts = Array.from({ length: rows }, (_, row) =>
      make((of) => {
        const vector = columns.find((each) => each.name === of)?.vector;
        const text = vector === undefined ? null : textAt(vector, row);
        return text === '' ? null : text;
      }),
    );
    return [{ name, type: 'VARCHAR', vector: textVector(texts) }];
  };
  return [...columns, ...column('body', logLine), ...column('level', logLevel)];
}

/** Rows in JSON as a query's answer has them; whatever is no time becomes text. */
function answerOf({ schema, rows }: TailRows): Answer {
  const coverage = { complete: true, expected: 0, asked: 0, answered: 0, failed: 0, pruned: 0, nodes: [] };
  return {
    columns: schema.map(({ name, type }, index) => ({
      name,
      type,
      vector: vectorOf(
        type,
        rows.map((row) => row[index] ?? null),
      ),
    })),
    rows: rows.length,
    coverage: {
      ...coverage,
      gaps: { nodes: 0, minutes: 0, worst: [] },
      retention: { nodesShort: 0, from: null },
    },
    stats: { rows: rows.length, truncated: false, elapsedMs: 0, queryId: '', bytes: 0 },
    timesLeftOut: 0,
  };
}

function vectorOf(type: string, values: readonly unknown[]): Vector {
  if (type.startsWith('TIMESTAMP')) return timeVector(values.map(nanoseconds));
  return textVector(
    values.map((value) => {
      if (value === null) return null;
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
    }),
  );
}

/** Of ISO 8601 with up to six decimals. */
function nanoseconds(value: unknown): bigint | null {
  if (typeof value !== 'string') return null;
  const ms = Date.parse(value);
  if (Number.isNaN(ms)) return null;
  const micros = /\.\d{3}(\d{3})/.exec(value)?.[1] ?? '0';
  return BigInt(ms) * 1_000_000n + BigInt(micros) * 1000n;
}

function jsonAt(vector: Vector, row: number): string {
  if (vector.kind === 'time') return JSON.stringify(timeMsAt(vector, row));
  const text = textAt(vector, row);
  return vector.kind === 'json' ? (text ?? 'null') : JSON.stringify(text);
}
