import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { printable } from '../../shared/index.js';
import type { PluginError } from '../errors.js';
import type { LinkPlace } from '../frames/field-config.js';
import type { Notice } from '../frames/frame.js';
import type { TailEvent } from './follow.js';
import type { Line, LiveField } from './lines.js';
import { lineFields, linesOf, noticeLine } from './lines.js';
import { packetOf } from './packet.js';

/** A packet goes at most so often. */
const EVERY_MS = 250;
/** Lines of one packet: more nobody reads. */
const MOST_LINES = 500;
/** How many silent nodes a notice names. */
const MOST_NAMES = 5;
const ALL_THERE: Notice = { severity: 'info', text: 'Nothing is missing any more.' };

/** The part of a stream to Grafana that is used here. */
export interface PacketSink {
  write(packet: { data: Buffer }): boolean;
}

/**
 * Turns what happens on a tail into packets: batched, bounded, with one notice for all that is missing. What a notice says
 * is a line, too, when it begins and when it ends: not all that shows lines shows notices.
 */
export class Pump {
  readonly #sink: PacketSink & Pick<Writable, 'once'>;
  readonly #place: LinkPlace;
  readonly #fields: readonly LiveField[];
  readonly #sent: (lines: number) => void;
  readonly #signal: AbortSignal;
  readonly #silent = new Map<string, string>();
  #lines: Line[] = [];
  #skipped = 0;
  #lost: PluginError | null = null;
  #dirty = false;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  /** What is missing, as the last line about it said. */
  #said: string | null = null;
  #notices = 0;

  /**
   * @param place where the lines' links lead
   * @param sent told of the lines of each packet
   */
  constructor(
    sink: PacketSink & Pick<Writable, 'once'>,
    place: LinkPlace,
    sent: (lines: number) => void,
    signal: AbortSignal,
  ) {
    this.#sink = sink;
    this.#place = place;
    this.#fields = lineFields(place);
    this.#sent = sent;
    this.#signal = signal;
  }

  /** Sends until the tail of the table ends. A reader that is slow slows down what is read from the node. */
  async run(events: AsyncIterable<TailEvent>, table: string): Promise<void> {
    try {
      for await (const event of events) {
        this.#take(event, table);
        this.#timer ??= setTimeout(() => {
          this.#timer = null;
          this.#flush();
        }, EVERY_MS);
        await this.#writing;
      }
    } finally {
      if (this.#timer !== null) clearTimeout(this.#timer);
    }
  }

  #take(event: TailEvent, table: string): void {
    switch (event.kind) {
      case 'rows': {
        const lines = linesOf(event.rows, table, MOST_LINES, this.#place);
        this.#skipped += event.rows.rows.length - lines.length;
        this.#lines.push(...lines);
        this.#skipped += this.#lines.splice(0, Math.max(0, this.#lines.length - MOST_LINES)).length;
        break;
      }
      case 'node':
        if (event.well) this.#silent.delete(event.node);
        else this.#silent.set(event.node, event.message);
        break;
      case 'open':
        this.#lost = null;
        break;
      case 'lost':
        // The stream that comes next tells anew who is missing.
        this.#silent.clear();
        this.#lost = event.error;
        break;
    }
    this.#dirty = true;
  }

  #flush(): void {
    if (!this.#dirty || this.#signal.aborted) return;
    const missing = this.#missing();
    const packet = packetOf(this.#fields, [...this.#lines, ...this.#news(missing)], this.#notice(missing));
    this.#sent(this.#lines.length);
    this.#lines = [];
    this.#skipped = 0;
    this.#dirty = false;
    if (this.#sink.write({ data: packet })) return;
    this.#writing = once(this.#sink as Writable, 'drain', { signal: this.#signal }).then(
      () => undefined,
      () => undefined,
    );
  }

  /** What is missing now, for who comes later; nothing when all is there. */
  standing(): readonly Line[] {
    const missing = this.#missing();
    return missing === null ? [] : [this.#line(missing)];
  }

  /** What is missing until it comes back. */
  #missing(): Notice | null {
    const sentences = [...(this.#lost === null ? [] : [`${this.#lost.text} Trying again.`]), ...silence(this.#silent)];
    if (sentences.length === 0) return null;
    return { severity: this.#lost === null ? 'warning' : 'error', text: printable(sentences.join(' ')) };
  }

  /** What the packet's lines leave out, for once. */
  #leftOut(): readonly Notice[] {
    if (this.#skipped === 0) return [];
    const text = `${this.#skipped} lines came faster than they can be shown and are left out.`;
    return [{ severity: 'warning', text }];
  }

  #notice(missing: Notice | null): Notice | null {
    const all = [...(missing === null ? [] : [missing]), ...this.#leftOut()];
    if (all.length === 0) return null;
    return { severity: missing?.severity ?? 'warning', text: all.map(({ text }) => text).join(' ') };
  }

  /** Lines of what is new of that: said once, not with each packet. */
  #news(missing: Notice | null): readonly Line[] {
    const text = missing?.text ?? null;
    const changed = text === this.#said ? null : (missing ?? ALL_THERE);
    this.#said = text;
    return [...(changed === null ? [] : [changed]), ...this.#leftOut()].map((notice) => this.#line(notice));
  }

  #line(notice: Notice): Line {
    this.#notices += 1;
    const nowMs = Date.now();
    return noticeLine(this.#fields, notice, `${String(nowMs)}/${String(this.#notices)}`, nowMs);
  }
}

function silence(silent: ReadonlyMap<string, string>): readonly string[] {
  if (silent.size === 0) return [];
  const named = [...silent].slice(0, MOST_NAMES).map(([node, message]) => `${node}: ${message}`);
  const rest = silent.size - named.length;
  const nodes = silent.size === 1 ? '1 node is missing' : `${silent.size} nodes are missing`;
  return [`${nodes} in the live stream. ${named.join(' ')}${rest === 0 ? '' : ` And ${rest} more.`}`];
}
