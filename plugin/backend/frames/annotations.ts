import { printable } from '../../shared/printable.js';
import { PluginError } from '../errors.js';
import type { Answer } from '../query/types.js';
import { NamedColumns } from './columns.js';
import type { Field, Frame } from './frame.js';
import { textVector } from './vector.js';

/** Grafana's names of an annotation's parts; in SQL any case and underscores do. */
const parts = ['time', 'timeEnd', 'title', 'text', 'tags', 'id'] as const;

/** Annotations, one a row. @throws PluginError BAD_QUERY when none of the columns is a time. */
export function annotationFrames(answer: Answer): readonly Frame[] {
  const named = new NamedColumns(answer);
  const columnOf = (part: string): string =>
    named.names.find((name) => name.toLowerCase().replaceAll('_', '') === part.toLowerCase()) ?? '';
  const time = named.get(columnOf('time')) ?? answer.columns.find(({ vector }) => vector.kind === 'time')?.vector;
  if (time?.kind !== 'time') {
    throw new PluginError('BAD_QUERY', 'An annotation needs a time, and this answer has no column of type TIMESTAMP.', {
      hint: 'Select time, and as you like timeEnd, title, text, tags, id.',
    });
  }
  const fields = parts.flatMap((name): readonly Field[] => {
    if (name === 'time') return [{ name, vector: time }];
    const column = columnOf(name);
    const vector = named.get(column);
    if (vector === null) return name === 'id' ? identities(named, answer.rows) : [];
    if (name === 'timeEnd') return vector.kind === 'time' ? [{ name, vector }] : [];
    const texts = Array.from({ length: answer.rows }, (_, row) => named.text(column, row));
    return [{ name, vector: textVector(texts.map((text) => shown(name, text))) }];
  });
  return [{ name: 'annotations', meta: {}, fields }];
}

/** `node/seq` where events have it. */
function identities(named: NamedColumns, rows: number): readonly Field[] {
  if (named.get('node') === null || named.get('seq') === null) return [];
  const texts = Array.from(
    { length: rows },
    (_, row) => `${named.text('node', row) ?? ''}/${named.text('seq', row) ?? ''}`,
  );
  return [{ name: 'id', vector: textVector(texts.map(printable)) }];
}

/** Grafana draws title and text as HTML (cleaned, yet links and images get through); tags it splits at commas. */
function shown(name: 'title' | 'text' | 'tags' | 'id', text: string | null): string | null {
  if (text === null) return null;
  if (name === 'tags') return printable(listed(text));
  return name === 'id' ? printable(text) : escapeHtml(printable(text));
}

/** `["a", "b"]` as `a,b`; other text as it is. */
function listed(text: string): string {
  if (!text.startsWith('[')) return text;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.map(String).join(',') : text;
  } catch {
    return text;
  }
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}
