import { printable } from '../../shared/printable.js';
import type { TextOf } from '../../shared/log-line.js';
import { logLevel, logLine } from '../../shared/log-line.js';
import { PluginError } from '../errors.js';
import type { Answer } from '../query/types.js';
import { NamedColumns } from './columns.js';
import type { LinkPlace } from './field-config.js';
import { processLinks } from './field-config.js';
import type { Field, Frame } from './frame.js';
import { textVector } from './vector.js';

/** Columns that are shown as something else than a label. */
const notLabels: ReadonlySet<string> = new Set(['seq', 'body', 'level', 'labels', 'event_data']);

/** Columns of pairs, whose pairs are labels of their own: `labels[app]`. */
const pairColumns = ['labels', 'event_data'] as const;

/**
 * Log lines as Explore and the logs panel take them (`log-lines`). The id is the event's identity, so that no row is ever
 * shown twice.
 * @param place where links lead
 * @throws PluginError BAD_QUERY when there is no time.
 */
export function logFrames(answer: Answer, place: LinkPlace): readonly Frame[] {
  const columns = new NamedColumns(answer);
  const time = columns.get('time') ?? answer.columns.find(({ vector }) => vector.kind === 'time')?.vector;
  if (time?.kind !== 'time') {
    throw new PluginError('BAD_QUERY', 'Logs need a time, and this answer has no column of type TIMESTAMP.', {
      hint: 'Select time, and node and seq for a stable identity of each line, or choose Table.',
    });
  }
  const rows = Array.from({ length: answer.rows }, (_, row) => row);
  const labelColumns = columns.names.filter((name) => !notLabels.has(name) && columns.get(name)?.kind !== 'time');
  return [
    {
      name: '',
      meta: { type: 'log-lines', typeVersion: [0, 0], preferredVisualisationType: 'logs' },
      fields: [
        { name: 'timestamp', vector: time },
        { name: 'body', vector: textVector(rows.map((row) => printable(bodyOf(columns, row)))) },
        { name: 'severity', vector: textVector(rows.map((row) => levelOf(columns, row))) },
        { name: 'id', vector: textVector(rows.map((row) => idOf(columns, row))) },
        {
          name: 'labels',
          vector: textVector(
            rows.map((row) => labelsOf(columns, labelColumns, row)),
            'json',
          ),
        },
        ...eventFields(columns, rows, place),
      ],
    },
  ];
}

/**
 * The way from a line to its process. Labels can't hold links; a line's details show what other fields of the frame have
 * values, with their links. The node is such a field only for the link to read: it is a label already.
 */
function eventFields(columns: NamedColumns, rows: readonly number[], place: LinkPlace): readonly Field[] {
  const links = processLinks(place, 'seq');
  if (links.length === 0 || columns.get('node') === null || columns.get('seq') === null) return [];
  const events = rows.map((row) => {
    const [node, seq] = [columns.text('node', row), columns.text('seq', row)];
    return node === null || seq === null ? null : { node: printable(node), seq: printable(seq) };
  });
  return [
    {
      name: 'node',
      vector: textVector(events.map((event) => event?.node ?? null)),
      config: { custom: { hidden: true } },
    },
    { name: 'seq', vector: textVector(events.map((event) => event?.seq ?? null)), config: { links } },
  ];
}

/** `node/seq`; without them the row's own number. */
function idOf(columns: NamedColumns, row: number): string {
  const [node, seq] = [columns.text('node', row), columns.text('seq', row)];
  return node === null || seq === null ? `row ${row}` : printable(`${node}/${seq}`);
}

/** The row's columns as the shared wording of log lines reads them. */
function textOf(columns: NamedColumns, row: number): TextOf {
  return (name) => {
    const text = columns.text(name, row);
    return text === '' ? null : text;
  };
}

/** What the event says in a line. */
function bodyOf(columns: NamedColumns, row: number): string {
  return columns.text('body', row) ?? logLine(textOf(columns, row)) ?? allOf(columns, row);
}

/** Rows of another shape: all that they have. */
function allOf(columns: NamedColumns, row: number): string {
  return columns.names
    .filter((name) => columns.get(name)?.kind !== 'time')
    .flatMap((name) => {
      const text = columns.text(name, row);
      return text === null ? [] : [`${name}=${/[\s"=]/.test(text) ? JSON.stringify(text) : text}`];
    })
    .join(' ');
}

function levelOf(columns: NamedColumns, row: number): string {
  const level = columns.text('level', row);
  return level === null ? logLevel(textOf(columns, row)) : printable(level.toLowerCase());
}

function labelsOf(columns: NamedColumns, names: readonly string[], row: number): string {
  const labels: [string, string][] = [];
  for (const name of names) {
    const text = columns.text(name, row);
    if (text !== null && text !== '' && text !== '[]') labels.push([printable(name), printable(text)]);
  }
  for (const column of pairColumns) {
    const text = columns.text(column, row);
    if (text === null) continue;
    for (const [key, value] of pairsOf(text)) labels.push([printable(`${column}[${key}]`), printable(value)]);
  }
  return JSON.stringify(Object.fromEntries(labels));
}

function pairsOf(text: string): readonly (readonly [string, string])[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).map(([key, each]) => [key, String(each)] as const);
}
