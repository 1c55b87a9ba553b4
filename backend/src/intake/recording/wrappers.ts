import { isUtf8 } from 'node:buffer';
import { isKubeArmorEvent, isObject } from '../../connectors/index.js';
import type { JsonObject, Piece } from './piece.js';
import { noJson, parseJson } from './piece.js';

/** A record that is a KubeArmor event: its JSON without what others put around it; or why it is none. */
export type Recorded =
  | {
      readonly line: number;
      readonly bytes: Buffer;
      readonly event: JsonObject;
      /** The original wasn't valid UTF-8. */
      readonly invalidUtf8: boolean;
      /** What it lay in, as `Docker's log file`. */
      readonly forms: readonly string[];
    }
  | { readonly line: number; readonly bytes: Buffer; readonly error: string };

/** How deep wrappers lie in each other: a Docker line in a Fluent Bit record in an OpenSearch answer, and one more. */
const MOST_WRAPPERS = 4;

/** Text that programs write before the line they pass on. */
const prefixes: readonly (readonly [RegExp, string])[] = [
  [/^\[pod\/[^\]\s]+\] /, 'kubectl logs --prefix'],
  [/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d) (?=\{|\[pod)/, 'kubectl logs --timestamps'],
  [/^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [^\s:]+: /, 'syslog or journalctl lines'],
  [/^\d{4}-\d\d-\d\dT\S+ \S+ [^\s:[\]]+(?:\[\d+\])?: /, 'syslog or journalctl lines'],
  [/^[\w.-]+ *\| /, 'docker compose logs'],
];
const cri = /^\d{4}-\d\d-\d\dT\S+ (stdout|stderr) ([FP])(?::\S+)? /;
const karmorMessage = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) {2}(\S*) {2}(\S*) {2}\[([A-Za-z]+)\] {2}(.*)$/s;

/** Wrappers by the key that the event lies under. */
const formOfKey: Readonly<Record<string, string>> = {
  _source: 'OpenSearch or Elasticsearch documents',
  log: 'Fluent Bit records',
  log_processed: 'Fluent Bit records',
  MESSAGE: 'journalctl -o json',
  line: 'Loki lines',
};

/** A line that its writer has cut into parts. */
interface Partial {
  readonly line: number;
  readonly parts: string[];
}

/** Takes what other programs put around events off them. */
export class Unwrapper {
  readonly #lines: boolean;
  readonly #partial = new Map<string, Partial>();

  /** @param lines each record stands alone: none is a part of another */
  constructor(lines = false) {
    this.#lines = lines;
  }

  *take(piece: Piece): Generator<Recorded> {
    switch (piece.kind) {
      case 'broken':
        yield piece;
        return;
      case 'json':
        yield* this.#json(piece, piece.value, [piece.form]);
        return;
      case 'text':
        yield* this.#text(piece);
    }
  }

  /** Lines whose last part never came. */
  *end(): Generator<Recorded> {
    for (const key of [...this.#partial.keys()]) yield* this.#giveUp(key);
  }

  *#json(piece: Piece, value: unknown, forms: readonly string[]): Generator<Recorded> {
    const { line, bytes } = piece;
    if (isKubeArmorEvent(value)) {
      const form = 'timestamp' in value && !('Timestamp' in value) ? ["KubeArmor's own file (-logPath)"] : [];
      yield { line, bytes, event: value, invalidUtf8: !isUtf8(bytes), forms: [...forms, ...form] };
      return;
    }
    if (isObject(value) && typeof value.log === 'string' && typeof value.stream === 'string') {
      const last = value.log.endsWith('\n');
      const form = last || !('kubernetes' in value || 'date' in value) ? "Docker's log file" : 'Fluent Bit records';
      yield* this.#part(piece, `docker ${value.stream}`, value.log, last, form);
      return;
    }
    const inner = innerOf(value, 1);
    if (inner === null) yield { line, bytes, error: whyNot(value) };
    else yield this.#unwrapped(piece, inner, forms);
  }

  #unwrapped(piece: Piece, { event, text, form }: Inner, forms: readonly string[]): Recorded {
    const invalidUtf8 = !isUtf8(piece.bytes);
    // What isn't UTF-8 stays in its wrapper: taken off, nobody could see it any more.
    const bytes = invalidUtf8 && !this.#lines ? piece.bytes : Buffer.from(text);
    return { line: piece.line, bytes, event, invalidUtf8, forms: [...forms, form] };
  }

  *#text(piece: Piece): Generator<Recorded> {
    let bytes = piece.bytes;
    const forms: string[] = [];
    for (let taken = true; taken && forms.length < MOST_WRAPPERS;) {
      taken = false;
      const head = bytes.toString('latin1', 0, 300);
      const part = cri.exec(head);
      if (part !== null) {
        const [all, stream = '', end] = part;
        yield* this.#part(piece, `cri ${stream}`, bytes.toString('utf8', all.length), end === 'F', "CRI's log file");
        return;
      }
      for (const [pattern, form] of prefixes) {
        const match = pattern.exec(head);
        if (match === null) continue;
        bytes = bytes.subarray(match[0].length);
        forms.push(form);
        taken = true;
        break;
      }
    }
    if (forms.length > 0 && bytes[0] === 0x7b) {
      const parsed = parseJson(bytes);
      if ('value' in parsed) {
        yield* this.#json({ ...piece, bytes }, parsed.value, forms);
        return;
      }
    }
    const message = karmorMessage.exec(piece.bytes.toString('utf8', 0, 64 << 10));
    if (message !== null) {
      const [, UpdatedTime, ClusterName, HostName, Level, Message] = message;
      const event = { UpdatedTime, ClusterName, HostName, Type: 'Log', Level, Message };
      const text = JSON.stringify(event);
      yield this.#unwrapped(piece, { event, text, form: "karmor's text" }, []);
      return;
    }
    const parsed = parseJson(piece.bytes);
    yield { ...piece, error: 'error' in parsed ? noJson(parsed.error) : whyNot(parsed.value) };
  }

  /** A line of a container's log, which may be one part of what was written. */
  *#part(piece: Piece, key: string, text: string, last: boolean, form: string): Generator<Recorded> {
    const inner = innerOf(text, 1);
    const begun = this.#partial.get(key);
    if (inner !== null) {
      yield* this.#giveUp(key);
      yield this.#unwrapped(piece, { ...inner, form }, []);
    } else if (begun === undefined && (this.#lines || last || !text.startsWith('{'))) {
      const parsed = parseJson(Buffer.from(text));
      yield {
        line: piece.line,
        bytes: piece.bytes,
        error: 'error' in parsed ? noJson(parsed.error) : whyNot(parsed.value),
      };
    } else if (!last) {
      if (begun === undefined) this.#partial.set(key, { line: piece.line, parts: [text] });
      else begun.parts.push(text);
    } else if (begun !== undefined) {
      const whole = innerOf(begun.parts.join('') + text, 1);
      begun.parts.push(text);
      if (whole === null) {
        yield* this.#giveUp(key);
        return;
      }
      this.#partial.delete(key);
      yield { line: begun.line, bytes: Buffer.from(whole.text), event: whole.event, invalidUtf8: false, forms: [form] };
    }
  }

  *#giveUp(key: string): Generator<Recorded> {
    const begun = this.#partial.get(key);
    if (begun === undefined) return;
    this.#partial.delete(key);
    const bytes = Buffer.from(begun.parts.join('').replaceAll(/[\r\n]/g, ' '));
    yield {
      line: begun.line,
      bytes,
      error: 'Not a KubeArmor event: the line was cut into parts, and they are no JSON.',
    };
  }
}

interface Inner {
  readonly event: JsonObject;
  readonly text: string;
  readonly form: string;
}

/** The event within a value: an object under some key, or text that is JSON; null when there is none. */
function innerOf(value: unknown, depth: number): Inner | null {
  if (depth > MOST_WRAPPERS) return null;
  if (typeof value === 'string') return innerOfText(value, depth);
  if (typeof value !== 'object' || value === null) return null;
  // Loki's values: [time, line].
  if (Array.isArray(value))
    return typeof value[1] === 'string' ? named(innerOfText(value[1], depth), 'Loki lines') : null;
  for (const [key, each] of Object.entries(value) as (readonly [string, unknown])[]) {
    const form = formOfKey[key] ?? 'records of a log shipper';
    if (isKubeArmorEvent(each)) return { event: each, text: JSON.stringify(each), form };
    const inner = innerOf(key === 'MESSAGE' ? textOfBytes(each) : each, depth + 1);
    if (inner !== null) return { ...inner, form };
  }
  return null;
}

function innerOfText(text: string, depth: number): Inner | null {
  if (!/^\s*\{/.test(text.slice(0, 1000))) return null;
  const parsed = parseJson(Buffer.from(text));
  if (!('value' in parsed)) return null;
  if (isKubeArmorEvent(parsed.value)) {
    return { event: parsed.value, text: text.trim().replaceAll(/[\r\n]/g, ' '), form: 'records of a log shipper' };
  }
  return innerOf(parsed.value, depth + 1);
}

function named(inner: Inner | null, form: string): Inner | null {
  return inner === null ? null : { ...inner, form };
}

/** journald gives a message that isn't plain text as a list of its bytes. */
function textOfBytes(value: unknown): unknown {
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'number')) return value;
  return Buffer.from(value).toString('utf8');
}

function whyNot(value: unknown): string {
  if (!isObject(value)) return 'Not a KubeArmor event: the line is JSON, but not an object.';
  if (value.MESSAGE === null) {
    return 'Not readable: journalctl has left the message out, as it is long. Record it with `journalctl -o json --all`.';
  }
  return 'Not a KubeArmor event: it has none of Type, Operation and Level with what KubeArmor writes in and beside them.';
}
