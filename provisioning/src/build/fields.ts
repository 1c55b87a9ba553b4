import type { Step, ValueMapping } from './style.js';
import { coloured, operationColours, outcomeColours, severitySteps, unsetSeverity } from './style.js';

/** How values of a field are shown: Grafana's field config. */
export interface FieldStyle {
  readonly displayName?: string;
  readonly unit?: string;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  readonly noValue?: string;
  readonly mappings?: readonly ValueMapping[];
  readonly thresholds?: readonly Step[];
  readonly color?: { readonly mode: string; readonly fixedColor?: string };
  readonly links?: readonly DataLink[];
  /** Of the panel type, as `{ cellOptions: { type: 'color-text' } }` of a table. */
  readonly custom?: Readonly<Record<string, unknown>>;
}

export interface DataLink {
  readonly title: string;
  readonly url: string;
  readonly targetBlank?: boolean;
}

/** One field, by name or by a regular expression, shown its own way. */
export interface Override {
  readonly matcher: { readonly id: 'byName' | 'byRegexp'; readonly options: string };
  readonly properties: readonly { readonly id: string; readonly value: unknown }[];
}

/** Field config as a panel's JSON has it. */
export function fieldDefaults(style: FieldStyle): Record<string, unknown> {
  const { thresholds, ...rest } = style;
  return { ...rest, ...(thresholds === undefined ? {} : { thresholds: { mode: 'absolute', steps: thresholds } }) };
}

/** The field of this name is shown so. */
export function field(name: string, style: FieldStyle): Override {
  return { matcher: { id: 'byName', options: name }, properties: properties(style) };
}

/** All fields whose names match are shown so. */
export function fields(pattern: RegExp, style: FieldStyle): Override {
  return { matcher: { id: 'byRegexp', options: `/${pattern.source}/` }, properties: properties(style) };
}

/** A moment in a table: the same width on every day. */
export const moment = { unit: 'time:MM-DD HH:mm:ss', custom: { width: 126 } } as const;

/** A cell whose text wraps instead of being cut; of a word longer than the column, as a hash, the magnifier shows all. */
const wrapped = { cellOptions: { type: 'auto', wrapText: true }, inspect: true } as const;

/** Of a column of so many pixels: what stands in a line beside the padding, digits being the widest. */
const room = (width: number): number => Math.floor((width - 16) / 8);

/**
 * Words too long for a column of this width lose their middle, as Grafana's newer table breaks no word and cuts without a
 * mark. Filters, links and the magnifier have all of it.
 */
export function shortWords(width: number): ValueMapping {
  const kept = room(width) - 1;
  const tail = Math.floor(kept / 2);
  const pattern = `/(\\S{${kept - tail}})\\S{2,}(\\S{${tail}})/g`;
  return { type: 'regex', options: { pattern, result: { text: '$1…$2', index: 0 } } };
}

/** The same of a line that must not wrap: it loses its end. */
export function shortLine(width: number): ValueMapping {
  const pattern = `/^([\\s\\S]{${room(width) - 1}})[\\s\\S]{2,}$/`;
  return { type: 'regex', options: { pattern, result: { text: '$1…', index: 0 } } };
}

/** A column of texts: words wrap, and those longer than its width, which is the least of one that grows, are shortened. */
export function texts(width: number, grows = false): Pick<FieldStyle, 'mappings' | 'custom'> {
  return { mappings: [shortWords(width)], custom: { ...wrapped, [grows ? 'minWidth' : 'width']: width } };
}

/** Columns that a reader can narrow by their header. */
export function filtered(names: readonly string[]): Override {
  return fields(new RegExp(`^(${names.join('|')})$`), { custom: { filterable: true } });
}

/** Series named by an operation in its colour. */
export const operationSeries: readonly Override[] = Object.entries(operationColours).map(([operation, fixedColor]) =>
  field(operation, { color: { mode: 'fixed', fixedColor } }),
);

/** A column with the policies' severity. */
export function severityColumn(width: number): Override {
  return field('severity', {
    mappings: [unsetSeverity],
    thresholds: severitySteps,
    custom: { cellOptions: { type: 'color-text' }, width },
  });
}

/** A column with outcomes, in their colours; an act that has none has nothing to say. */
export function outcomeColumn(width: number): Override {
  return field('outcome', {
    noValue: '',
    mappings: [coloured(outcomeColours)],
    custom: { cellOptions: { type: 'color-text' }, width },
  });
}

/** A field that only links and identities need. */
export function hidden(name: string): Override {
  return field(name, { custom: { hidden: true } });
}

function properties(style: FieldStyle): Override['properties'] {
  const { custom = {}, ...rest } = fieldDefaults(style) as { readonly custom?: Readonly<Record<string, unknown>> };
  const own = Object.entries(rest).map(([id, value]) => ({ id, value }));
  return [...own, ...Object.entries(custom).map(([id, value]) => ({ id: `custom.${id}`, value }))];
}
