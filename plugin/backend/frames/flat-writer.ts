/** A value within a table: its size in bytes and the value, or something that lies elsewhere. */
export type FlatValue =
  | { readonly bytes: 1 | 2 | 4 | 8; readonly value: number }
  | FlatTable
  | { readonly text: string }
  | { readonly tables: readonly FlatTable[] }
  /** Structs of 64-bit words, each `width` words long. */
  | { readonly words: readonly number[]; readonly width: number };

/** The fields of a table by their slot; null: left out. */
export interface FlatTable {
  readonly slots: readonly (FlatValue | null)[];
}

/**
 * Writes one flatbuffer front to back (https://flatbuffers.dev/internals/): a table before what it points to, as offsets
 * are unsigned. Each field has 8 bytes, so that any of them is aligned; schemas are too small for it to matter.
 */
export class FlatWriter {
  #buffer = Buffer.alloc(1024);
  #length = 0;

  /** The bytes, a multiple of 8. */
  static write(root: FlatTable): Buffer {
    const writer = new FlatWriter();
    writer.#reserve(4);
    const table = writer.#table(root);
    writer.#buffer.writeUInt32LE(table, 0);
    writer.#align(8, 0);
    return writer.#buffer.subarray(0, writer.#length);
  }

  /** @returns the table's position. */
  #table({ slots }: FlatTable): number {
    const vtableBytes = 4 + slots.length * 2;
    this.#align(2, 0);
    const vtable = this.#reserve(vtableBytes);
    // Its own offset takes 4 bytes, and fields begin at a multiple of 8.
    this.#align(8, 4);
    const used = slots.filter((slot) => slot !== null).length;
    const table = this.#reserve(4 + used * 8);
    this.#buffer.writeUInt16LE(vtableBytes, vtable);
    this.#buffer.writeUInt16LE(4 + used * 8, vtable + 2);
    this.#buffer.writeInt32LE(table - vtable, table);
    let place = table + 4;
    slots.forEach((value, slot) => {
      if (value === null) return;
      this.#buffer.writeUInt16LE(place - table, vtable + 4 + slot * 2);
      if ('bytes' in value) this.#scalar(value.bytes, value.value, place);
      else this.#pointer(place, value);
      place += 8;
    });
    return table;
  }

  #scalar(bytes: 1 | 2 | 4 | 8, value: number, place: number): void {
    if (bytes === 8) this.#buffer.writeBigInt64LE(BigInt(value), place);
    else this.#buffer.writeIntLE(value, place, bytes);
  }

  #pointer(place: number, value: Exclude<FlatValue, { bytes: number }>): void {
    const target = this.#elsewhere(value);
    this.#buffer.writeUInt32LE(target - place, place);
  }

  #elsewhere(value: Exclude<FlatValue, { bytes: number }>): number {
    if ('slots' in value) return this.#table(value);
    if ('text' in value) {
      const bytes = Buffer.from(value.text, 'utf8');
      this.#align(4, 0);
      const at = this.#reserve(4 + bytes.length + 1);
      this.#buffer.writeUInt32LE(bytes.length, at);
      bytes.copy(this.#buffer, at + 4);
      return at;
    }
    if ('tables' in value) {
      this.#align(4, 0);
      const at = this.#reserve(4 + value.tables.length * 4);
      this.#buffer.writeUInt32LE(value.tables.length, at);
      value.tables.forEach((table, index) => this.#pointer(at + 4 + index * 4, table));
      return at;
    }
    // Structs begin at a multiple of 8, behind the count of 4 bytes.
    this.#align(8, 4);
    const at = this.#reserve(4 + value.words.length * 8);
    this.#buffer.writeUInt32LE(value.words.length / value.width, at);
    value.words.forEach((word, index) => this.#scalar(8, word, at + 4 + index * 8));
    return at;
  }

  /** Moves to the next position that leaves `remainder` when divided by `size`. */
  #align(size: number, remainder: number): void {
    this.#reserve((size + remainder - (this.#length % size)) % size);
  }

  /** @returns the position of so many new zero bytes. */
  #reserve(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#buffer.length) {
      const grown = Buffer.alloc(Math.max(this.#length, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    return at;
  }
}
