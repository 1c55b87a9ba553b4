import { printable } from '../core/index.js';
import { jsonLine, prettyJson } from './text.js';

/** As karmor names them. */
export type OutputForm = 'text' | 'json' | 'pretty-json';

/** An event by its columns. */
export type EventRow = Readonly<Record<string, unknown>>;

/** One event in one of the forms. */
export function eventText(row: EventRow, form: OutputForm): string {
  switch (form) {
    case 'text':
      return eventLine(row);
    case 'json':
      return jsonLine(row);
    case 'pretty-json':
      return prettyJson(row);
  }
}

/** One event as a line for people; text of events is made printable. */
export function eventLine(row: EventRow): string {
  const text = (name: string): string =>
    row[name] === null || row[name] === undefined ? '' : printable(String(row[name]));
  const where = [text('namespace'), text('pod'), text('container')].filter((part) => part !== '').join('/');
  const policy = text('policy') === '' ? '' : ` [${text('policy')}: ${text('action')}]`;
  return `${text('time')} ${where === '' ? text('host') : where} ${text('operation')} ${text('outcome')} ${text('source')} → ${text('resource')} (${text('result')})${policy}\n`;
}

/** Rows of an answer as objects. */
export function rowsAsObjects(
  schema: readonly { readonly name: string }[],
  rows: readonly (readonly unknown[])[],
): readonly EventRow[] {
  return rows.map((row) => Object.fromEntries(schema.map((column, index) => [column.name, row[index]])));
}
