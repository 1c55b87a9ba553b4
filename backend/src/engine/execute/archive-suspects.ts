import { ArmorlakeError, messageOf } from '../../core/index.js';
import type { CallContext } from '../types.js';
import { queryError } from './duckdb-errors.js';
import type { Plan } from './plan.js';

/** A statement over archive files failed, and one of them may be why. */
export class SuspectFiles extends ArmorlakeError {
  readonly paths: readonly string[];
  /** The error is one that damage makes and SQL hardly ever does. */
  readonly likely: boolean;
  /** What it is when no file is damaged. */
  readonly failure: ArmorlakeError;

  constructor(paths: readonly string[], likely: boolean, failure: ArmorlakeError) {
    super(failure.code, failure.message, { cause: failure });
    this.paths = paths;
    this.likely = likely;
    this.failure = failure;
  }
}

/** What DuckDB says of bytes that are no Parquet: seldom with the name of the file. */
const damageKinds = /^(Invalid|IO|INTERNAL|Serialization) Error/i;

/** What a failed statement threw: the files it was reading are suspects. */
export function readError(thrown: unknown, { analysed, files }: Pick<Plan, 'analysed' | 'files'>): ArmorlakeError {
  const failure = queryError(thrown, analysed);
  if (thrown instanceof ArmorlakeError || files.length === 0 || failure.code === 'CANCELLED') return failure;
  const message = messageOf(thrown).replace(/^Failed to execute prepared statement:?\s*/i, '');
  const named = files.filter(({ path }) => message.includes(path));
  const suspects = named.length > 0 ? named : files;
  return new SuspectFiles(
    suspects.map(({ path }) => path),
    named.length > 0 || damageKinds.test(message),
    failure,
  );
}

/** Holds the head of an answer back until its first bytes or its end: until then a run can be repeated unseen. */
export class LateHead implements CallContext {
  readonly #context: CallContext;
  #head: { readonly value: unknown } | null = null;
  #begun = false;

  constructor(context: CallContext) {
    this.#context = context;
  }

  get bulk(): ArrayBuffer | null {
    return this.#context.bulk;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  /** True when the caller has seen something of the answer. */
  get begun(): boolean {
    return this.#begun;
  }

  head(value: unknown): void {
    this.#head = { value };
  }

  write(bytes: Uint8Array): Promise<void> {
    this.end();
    return this.#context.write(bytes);
  }

  /** No more bytes come. */
  end(): void {
    if (this.#begun || this.#head === null) return;
    this.#begun = true;
    this.#context.head(this.#head.value);
  }
}
