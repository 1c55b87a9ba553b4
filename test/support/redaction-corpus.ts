import { readFileSync } from 'node:fs';
import { Redactor } from '../../backend/src/connectors/index.js';

const folder = new URL('../data/redaction/', import.meta.url);

interface Line {
  readonly line: string;
  readonly secret?: readonly string[];
  readonly keep?: readonly string[];
}

/** What the redaction makes of a file of lines, in totals only: the held-out lines are for nobody's eyes. */
export interface Totals {
  readonly lines: number;
  /** Lines in which no secret is left. */
  readonly found: number;
  readonly keeps: number;
  /** Texts beside the secrets that are left, as they should be. */
  readonly kept: number;
  /** Lines that are not as they were. */
  readonly changed: number;
}

const own = /\[redacted:[0-9a-f]{12}\]/g;

/** Redacts the lines of one file of test/data/redaction. */
export function measureRedaction(name: string): Totals {
  const redactor = new Redactor(Buffer.alloc(32, 7));
  const lines = readCorpus(name);
  let [found, keeps, kept, changed] = [0, 0, 0, 0];
  for (const { line, secret = [], keep = [] } of lines) {
    const safe = redactor.redact(line);
    // A short secret may occur in a hash.
    const rest = safe.replaceAll(own, '');
    if (secret.every((each) => !rest.includes(each))) found++;
    keeps += keep.length;
    kept += keep.filter((each) => safe.includes(each)).length;
    if (safe !== line) changed++;
  }
  return { lines: lines.length, found, keeps, kept, changed };
}

/** The lines of a file, without the marks that keep scanners off. */
export function readCorpus(name: string): readonly Line[] {
  return readFileSync(new URL(`${name}.ndjson`, folder), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line.replaceAll('·', '')) as Line);
}
