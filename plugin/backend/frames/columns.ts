import type { Answer } from '../query/types.js';
import type { Vector } from './vector.js';
import { textAt } from './vector.js';

/** Columns of an answer by name; of several of one name the first. */
export class NamedColumns {
  readonly #vectors = new Map<string, Vector>();

  constructor({ columns }: Pick<Answer, 'columns'>) {
    for (const { name, vector } of columns) if (!this.#vectors.has(name)) this.#vectors.set(name, vector);
  }

  get names(): readonly string[] {
    return [...this.#vectors.keys()];
  }

  get(name: string): Vector | null {
    return this.#vectors.get(name) ?? null;
  }

  /** A value as text; null where there is no value or no such column. */
  text(name: string, row: number): string | null {
    const vector = this.#vectors.get(name);
    return vector === undefined ? null : textAt(vector, row);
  }
}
