import type { QueryNode } from '../../engine/index.js';
import type { ColumnGuard } from './guards.js';
import type { FragmentKind } from './types.js';

/** A SELECT over one table split in two; the merge still names the table, for the caller to replace. */
export interface Split {
  readonly kind: FragmentKind;
  readonly fragment: QueryNode;
  readonly merge: QueryNode;
  /** Rows one node gives at most; null when that depends on its rows. */
  readonly mostRows: number | null;
  /** Of the fragment's columns, in their order. */
  readonly guards: readonly ColumnGuard[];
}

/** Says why a SELECT can't be split this way; the next, less selective way is tried. */
export class NotSplittable extends Error {}

export function cannot(what: string): never {
  throw new NotSplittable(what);
}
