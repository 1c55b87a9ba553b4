import { feeder } from '@armorlake/proto';
import type { EventFinisher } from './encode.js';
import type { SimulatedEvent } from './event.js';
import type { BreakWay, FaultOptions } from './options.js';
import { Random } from './random.js';

/** What a fault does to the simulator. */
export interface FaultActions {
  breakStreams(way: BreakWay): void;
  stall(ms: number): void;
  leave(ms: number): void;
  sendMalformed(event: SimulatedEvent, bytes: Buffer): void;
}

/** Texts that bad code turns into SQL, HTML, paths or terminal escapes. */
const HOSTILE_TEXTS: readonly string[] = [
  `'; DROP TABLE logs; -- "quoted" \`ticks\` \\backslash\\`,
  'nul\u0000inside\u0001and\u007f',
  '\u001b[31mred\u001b[0m\u001b]0;title\u0007\r\nforged line',
  '\u202egpj.exe\u202c \u200b\u2066isolate\u2069 \ufeffbom',
  '<img src=x onerror=alert(1)> {{7*7}} ${jndi:ldap://x} =cmd()|!A1',
  '../../../../etc/passwd%00',
  '日本語 ünïcode 😀 👩‍💻 \u{10ffff}',
];
/** A string field whose length overruns every message. */
const OVERRUN = Buffer.from([0x72, 0xff, 0xff, 0xff, 0xff, 0x07]);
/** Two bytes that are no UTF-8, and half of a character. */
const INVALID_UTF8 = Buffer.from([0x2f, 0xff, 0xfe, 0xc3]);

/** Lets events through, and does what the fault options ask for on the way. */
export class Faults {
  readonly #options: FaultOptions;
  readonly #actions: FaultActions;
  readonly #finisher: Pick<EventFinisher, 'encode'>;
  readonly #random: Random;
  #passed = 0;
  #breaks = 0;
  #hostile = 0;
  #left = false;

  constructor(options: FaultOptions, seed: number, finisher: Pick<EventFinisher, 'encode'>, actions: FaultActions) {
    this.#options = options;
    this.#actions = actions;
    this.#finisher = finisher;
    this.#random = new Random(seed ^ 0xfa17);
  }

  /** The event as it is to be sent; undefined: it is lost. */
  pass(event: SimulatedEvent): SimulatedEvent | undefined {
    const { dropShare, breakEvery, breakWays, stallEvery, stallMs, malformedEvery, oversizedEvery, hostileEvery } =
      this.#options;
    const { awayAfterMs, awayForMs } = this.#options;
    this.#passed += 1;
    if (this.#due(breakEvery)) {
      const way = breakWays[this.#breaks % breakWays.length];
      this.#breaks += 1;
      if (way !== undefined) this.#actions.breakStreams(way);
    }
    if (!this.#left && awayAfterMs > 0 && event.past !== true && event.dueMicros >= awayAfterMs * 1000) {
      this.#left = true;
      this.#actions.leave(awayForMs);
    }
    if (this.#due(stallEvery)) this.#actions.stall(stallMs);
    if (this.#due(malformedEvery)) this.#actions.sendMalformed(event, Buffer.concat([event.bytes, OVERRUN]));
    if (dropShare > 0 && this.#random.chance(dropShare)) return undefined;
    if (this.#due(oversizedEvery)) return this.#changed(event, { Resource: this.#oversized(event) });
    if (this.#due(hostileEvery)) return this.#hostileOf(event);
    return event;
  }

  #due(every: number): boolean {
    return every > 0 && this.#passed % every === 0;
  }

  #oversized(event: SimulatedEvent): string {
    const resource = 'Resource' in event.event ? (event.event.Resource ?? '') : '';
    return resource.padEnd(this.#options.oversizedBytes, ' --padding');
  }

  #hostileOf(event: SimulatedEvent): SimulatedEvent {
    const text = HOSTILE_TEXTS[this.#hostile % (HOSTILE_TEXTS.length + 1)];
    this.#hostile += 1;
    if (text !== undefined) {
      return this.#changed(event, { Source: text, Resource: text, Data: text, Cwd: text, ProcessName: text });
    }
    if (event.stream === 'messages') return event;
    const changed = this.#changed(event, { Source: INVALID_UTF8.toString() });
    // The last of two values of a field is the one that counts.
    const schema = event.stream === 'alerts' ? feeder.AlertSchema : feeder.LogSchema;
    const field = schema.field.Source.number;
    // Numbers from 16 on take a second byte of tag.
    const tag = field < 16 ? [(field << 3) | 2] : [((field << 3) & 0x7f) | 0x82, field >>> 4];
    const source = Buffer.from([...tag, INVALID_UTF8.length, ...INVALID_UTF8]);
    return { ...changed, bytes: Buffer.concat([changed.bytes, source]) };
  }

  #changed(event: SimulatedEvent, fields: Readonly<Record<string, string>>): SimulatedEvent {
    if (event.stream === 'messages') return event;
    const draft = { ...event, event: { ...event.event, ...fields } };
    return { ...draft, bytes: this.#finisher.encode(draft) };
  }
}
