import type { Answer } from '../query/types.js';
import { microsOf, setBit } from './vector.js';

/** The rows of a time series, and which of its buckets have all of theirs. */
export interface WholeBuckets {
  readonly answer: Answer;
  /** @param startMs where a bucket begins, ms since 1970 */
  readonly isWhole: (startMs: number) => boolean;
}

/**
 * Of an answer that was cut at its row limit: the bucket that the cut went through loses its rows, as some of its series
 * are missing, and nothing is known of the buckets behind it. Rows in no order of time say of no bucket that it is whole.
 */
export function wholeBuckets(answer: Answer): WholeBuckets {
  const column = answer.columns.find(({ vector }) => vector.kind === 'time');
  if (!answer.stats.truncated || column?.vector.kind !== 'time') return { answer, isWhole: () => true };
  const micros = microsOf(column.vector);
  const cut = micros.at(-1) ?? NaN;
  const rises = !micros.some((each) => each > cut) && micros.some((each) => each < cut);
  const falls = !micros.some((each) => each < cut) && micros.some((each) => each > cut);
  if (!rises && !falls) return { answer, isWhole: () => false };
  const isBefore = (each: number): boolean => (rises ? each < cut : each > cut);
  const validity = new Uint8Array((micros.length + 7) >> 3);
  micros.forEach((each, row) => {
    if (isBefore(each)) setBit(validity, row);
  });
  // Rows without a time belong to no series.
  const vector = { ...column.vector, validity };
  const columns = answer.columns.map((each) => (each === column ? { ...each, vector } : each));
  return { answer: { ...answer, columns }, isWhole: (startMs) => isBefore(startMs * 1000) };
}
