const NEWLINE = 0x0a;
const none = Buffer.alloc(0);

/** A field whose value comes as its size and bytes. */
interface Field {
  readonly wanted: boolean;
  size: number | null;
  readonly head: number[];
  readonly parts: Buffer[];
  kept: number;
}

/** How far a field was read. */
interface FieldRead {
  readonly at: number;
  readonly message: Buffer | null;
  readonly unread?: Buffer;
}

function beginsEntry(text: Buffer): boolean {
  return text.subarray(0, 9).equals(Buffer.from('__CURSOR='));
}

/**
 * journald's export format: entries of lines `KEY=value`, or `KEY` and then the value's size (64 bits, little-endian),
 * the value and a line break. Gives the values of MESSAGE. Only a recording that begins so is of this format: two lines of
 * any program's output may look like a field, whose "size" would take all that follows.
 */
export class JournalExport {
  #inside = false;
  #begun: boolean | null = null;
  #field: Field | null = null;

  /** Whether what follows are the bytes of a field. */
  get inField(): boolean {
    return this.#field !== null;
  }

  /** Told of each line before it is read: the first decides. */
  begin(text: Buffer): void {
    this.#begun ??= beginsEntry(text);
  }

  /** The message of a line, empty for another field; null when the line isn't of this format. */
  line(text: Buffer): Buffer | null {
    if (this.#begun !== true || (!this.#inside && !beginsEntry(text))) return null;
    const equals = text.indexOf(0x3d);
    const key = text.toString('latin1', 0, equals < 0 ? Math.min(text.length, 65) : equals);
    this.#inside = /^[A-Z_][A-Z0-9_]{0,63}$/.test(key);
    if (!this.#inside) return null;
    if (equals < 0) this.#field = { wanted: key === 'MESSAGE', size: null, head: [], parts: [], kept: 0 };
    return equals >= 0 && key === 'MESSAGE' ? text.subarray(equals + 1) : none;
  }

  /**
   * Reads on in the bytes of a field; where it ends, and the message when this was one. A field larger than the limit is none:
   * `unread` are the bytes that were taken for its size.
   */
  field(bytes: Buffer, from: number, limitBytes: number): FieldRead {
    const field = this.#field;
    let at = from;
    if (field === null) return { at, message: null };
    for (; field.size === null && at < bytes.length; at++) {
      field.head.push(bytes[at] ?? 0);
      if (field.head.length === 8) field.size = Number(Buffer.from(field.head).readBigUInt64LE());
    }
    if (field.size === null) return { at, message: null };
    if (field.size + field.kept > limitBytes) {
      this.#field = null;
      this.#inside = false;
      return { at, message: null, unread: Buffer.from(field.head) };
    }
    const part = bytes.subarray(at, at + field.size);
    at += part.length;
    field.size -= part.length;
    if (field.wanted && field.kept < limitBytes) field.parts.push(Buffer.from(part));
    field.kept += part.length;
    if (field.size > 0 || at >= bytes.length) return { at, message: null };
    this.#field = null;
    return { at: bytes[at] === NEWLINE ? at + 1 : at, message: field.wanted ? Buffer.concat(field.parts) : null };
  }
}
