import { setImmediate } from 'node:timers/promises';
import type { ArrivalClock } from '../core/index.js';
import type { EventSink, IntakeReject, IntakeResult, Lane, Window } from '../connectors/index.js';
import { readJsonEvent } from '../connectors/index.js';
import type { Recorded } from './recording/index.js';
import { RecordingReader } from './recording/index.js';

export interface IntakeOptions {
  readonly request: number;
  /** The `connector` of its rows; by default `import`. */
  readonly connector?: string;
  /** Each line is one record; see `SplitterOptions`. */
  readonly lines?: boolean;
  readonly lane: Lane;
  readonly sink: EventSink;
  readonly window: Window;
  readonly clock: ArrivalClock;
}

/** Events that come by an intake are the connector's named so, unless the request names another. */
export const IMPORT_CONNECTOR = 'import';
/** Records parsed before other work gets its turn. */
const SLICE_RECORDS = 256;
/** Rejected records that are told one by one. */
const TOLD_ERRORS = 10;
/** Rejected records of one request that are kept: a small body can unpack to millions, and each is a row of the lake. */
const KEPT_LETTERS = 1000;
/** After as many the rest of a request is not even parsed: each costs what an event costs. */
const PARSED_LETTERS = 50_000;
/** Records of one request, which needn't be lines: those of events fill the largest body before. */
const MOST_RECORDS = 1_000_000;

/** One request's recording, chunk after chunk: each record becomes a row, or a dead letter that says why. */
export class IntakeRequest {
  readonly #options: IntakeOptions;
  readonly #reader: RecordingReader;
  readonly #errors: IntakeReject[] = [];
  #accepted = 0;
  #rejected = 0;
  #records = 0;
  #aborted = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#reader = new RecordingReader({ lines: options.lines ?? false });
  }

  /** Parses a chunk's records; waits while too much is on its way to the lake. */
  async push(chunk: Uint8Array): Promise<void> {
    await this.#take(this.#reader.push(chunk));
  }

  /** The last records, and what became of all of them. Their batch is posted when this returns. */
  async finish(): Promise<IntakeResult> {
    await this.#take(this.#reader.end());
    await this.#options.lane.flushSoon();
    return {
      accepted: this.#accepted,
      rejected: this.#rejected,
      errors: this.#errors,
      forms: this.#reader.forms,
    };
  }

  async #take(records: Iterable<Recorded>): Promise<void> {
    let slice = 0;
    for (const record of records) {
      if (slice % SLICE_RECORDS === 0) {
        await setImmediate();
        await this.#options.window.room();
      }
      if (this.#aborted) return;
      slice++;
      this.#record(record);
    }
  }

  /** The client went away: no more lines are parsed. */
  abort(): void {
    this.#aborted = true;
  }

  #record(record: Recorded): void {
    this.#records++;
    const { bytes } = record;
    const { lane, sink, clock, request, connector = IMPORT_CONNECTOR } = this.#options;
    lane.addRequest(request);
    const arrival = {
      connector,
      cluster: null,
      receivedAt: clock.nowMicros(),
      size: bytes.length,
    };
    if (this.#rejected >= PARSED_LETTERS || this.#records > MOST_RECORDS) {
      this.#rejected++;
      if (this.#records === MOST_RECORDS + 1) {
        this.#tell(record, `A request may hold ${MOST_RECORDS} records: what follows is counted as dropped (unread).`);
      }
      sink.drop('events', arrival, 'unread');
      return;
    }
    if ('event' in record) {
      this.#accepted++;
      const { decoded, marks } = readJsonEvent(record.event, record.invalidUtf8);
      sink.store(bytes, decoded, { ...arrival, marks });
      return;
    }
    this.#rejected++;
    if (this.#rejected <= TOLD_ERRORS) this.#tell(record, record.error);
    if (this.#rejected <= KEPT_LETTERS) sink.refuse(bytes, 'events', arrival, 'bad_line', record.error);
    else sink.drop('events', arrival, 'bad_lines');
    if (this.#rejected === KEPT_LETTERS) {
      this.#tell(
        record,
        `${KEPT_LETTERS} lines are no KubeArmor events: others are counted as dropped (bad_lines), not kept.`,
      );
    }
    if (this.#rejected === PARSED_LETTERS) {
      this.#tell(
        record,
        `${PARSED_LETTERS} lines are no KubeArmor events: what follows is counted as dropped (unread), whatever it is.`,
      );
    }
  }

  #tell({ line }: Recorded, error: string): void {
    this.#errors.push({ line, error });
  }
}
