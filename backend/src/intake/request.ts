import { isUtf8 } from 'node:buffer';
import { setImmediate } from 'node:timers/promises';
import type { ArrivalClock } from '../core/index.js';
import { messageOf } from '../core/index.js';
import type { EventSink, IntakeReject, IntakeResult, Lane, Window } from '../connectors/index.js';
import { isObject, readJsonEvent } from '../connectors/index.js';
import type { Line } from './lines.js';
import { LineSplitter } from './lines.js';

export interface IntakeOptions {
  readonly request: number;
  /** The `connector` of its rows; by default `import`. */
  readonly connector?: string;
  readonly lane: Lane;
  readonly sink: EventSink;
  readonly window: Window;
  readonly clock: ArrivalClock;
}

/** Events that come by an intake are the connector's named so, unless the request names another. */
export const IMPORT_CONNECTOR = 'import';
/** Lines parsed before other work gets its turn. */
const SLICE_LINES = 256;
/** Rejected lines that are told one by one. */
const TOLD_ERRORS = 10;
/** Rejected lines of one request that are kept: a small body can unpack to millions, and each is a row of the lake. */
const KEPT_LETTERS = 1000;
/** After as many the rest of a request is not even parsed: each costs what an event costs. */
const PARSED_LETTERS = 50_000;

/** One request's NDJSON, chunk after chunk: each line becomes a row, or a dead letter that says why. */
export class IntakeRequest {
  readonly #options: IntakeOptions;
  readonly #splitter = new LineSplitter();
  readonly #errors: IntakeReject[] = [];
  #accepted = 0;
  #rejected = 0;
  #lines = 0;
  #aborted = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Parses a chunk's lines; waits while too much is on its way to the lake. */
  async push(chunk: Uint8Array): Promise<void> {
    let slice = 0;
    for (const line of this.#splitter.push(chunk)) {
      if (slice % SLICE_LINES === 0) {
        await setImmediate();
        await this.#options.window.room();
      }
      if (this.#aborted) return;
      slice++;
      this.#line(line);
    }
  }

  /** The last line, and what became of all of them. Their batch is posted when this returns. */
  async finish(): Promise<IntakeResult> {
    const last = this.#splitter.end();
    if (last !== null && !this.#aborted) this.#line(last);
    await this.#options.lane.flushSoon();
    return { accepted: this.#accepted, rejected: this.#rejected, errors: this.#errors };
  }

  /** The client went away: no more lines are parsed. */
  abort(): void {
    this.#aborted = true;
  }

  #line({ bytes, truncated }: Line): void {
    this.#lines++;
    if (bytes.length === 0) return;
    const { lane, sink, clock, request, connector = IMPORT_CONNECTOR } = this.#options;
    lane.addRequest(request);
    const arrival = {
      connector,
      cluster: null,
      receivedAt: clock.nowMicros(),
      size: bytes.length,
    };
    if (this.#rejected >= PARSED_LETTERS) {
      this.#rejected++;
      sink.drop('events', arrival, 'unread');
      return;
    }
    const parsed = truncated ? 'The line is longer than 64 MiB; its beginning is kept.' : readLine(bytes);
    if (typeof parsed === 'string') {
      this.#rejected++;
      if (this.#rejected <= TOLD_ERRORS) this.#tell(parsed);
      if (this.#rejected <= KEPT_LETTERS) sink.refuse(bytes, 'events', arrival, 'bad_line', parsed);
      else sink.drop('events', arrival, 'bad_lines');
      if (this.#rejected === KEPT_LETTERS) {
        this.#tell(
          `${KEPT_LETTERS} lines are no KubeArmor events: others are counted as dropped (bad_lines), not kept.`,
        );
      }
      if (this.#rejected === PARSED_LETTERS) {
        this.#tell(
          `${PARSED_LETTERS} lines are no KubeArmor events: what follows is counted as dropped (unread), whatever it is.`,
        );
      }
      return;
    }
    this.#accepted++;
    sink.store(bytes, parsed.decoded, { ...arrival, marks: parsed.marks });
  }

  #tell(error: string): void {
    this.#errors.push({ line: this.#lines, error });
  }
}

function readLine(bytes: Buffer) {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (!isObject(value)) return 'Not a KubeArmor event: the line is JSON, but not an object.';
    return readJsonEvent(value, !isUtf8(bytes));
  } catch (thrown) {
    return `Not a KubeArmor event: the line is not JSON (${briefly(messageOf(thrown))}).`;
  }
}

/** JSON.parse quotes the text it was given. */
function briefly(message: string): string {
  return message.replace(/, .{0,40}is not valid JSON$/s, '').slice(0, 200);
}
