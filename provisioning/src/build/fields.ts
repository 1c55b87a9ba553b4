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
export const wrapped = { cellOptions: { type: 'auto', wrapText: true }, inspect: true } as const;

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
