import type { Filter, ValuesAnswer } from '../../../shared/index.js';
import type { MapKeys } from '../builder/groups.js';
import type { Loaded } from './useLoaded.js';
import { useLoaded } from './useLoaded.js';

/** Suggestions a menu shows; more are found by typing. */
export const MOST_VALUES = 50;

export interface ValuesWanted {
  /** Left out: the builder's. */
  readonly table?: string;
  readonly column: string;
  readonly key?: string;
  /** What the rows must hold besides. */
  readonly filters: readonly Filter[];
  readonly search: string;
}

/** Asks for the values of columns of one table, within the editor's time range and scope. */
export interface ValueSource {
  /** Tells one table, range and scope from another. */
  readonly id: string;
  readonly variables: readonly string[];
  load(wanted: ValuesWanted, signal: AbortSignal): Promise<ValuesAnswer>;
}

/** Values to suggest; null: the menu is closed, nothing is asked. */
export function useValues(source: ValueSource, wanted: ValuesWanted | null): Loaded<ValuesAnswer> {
  const key = wanted === null ? null : JSON.stringify([source.id, wanted]);
  const load = (signal: AbortSignal): Promise<ValuesAnswer> =>
    wanted === null ? Promise.resolve({ values: [], truncated: false }) : source.load(wanted, signal);
  return useLoaded(key, load, wanted !== null && wanted.search !== '' ? 250 : 0);
}

/** The keys of these MAP columns, by column; no columns: nothing is asked. */
export function useMapKeys(source: ValueSource, columns: readonly string[]): Loaded<MapKeys> {
  const key = columns.length === 0 ? null : JSON.stringify([source.id, columns]);
  return useLoaded(key, async (signal) => {
    const answers = await Promise.all(
      columns.map((column) => source.load({ column, filters: [], search: '' }, signal)),
    );
    return Object.fromEntries(columns.map((column, index) => [column, answers[index]?.values ?? []]));
  });
}
