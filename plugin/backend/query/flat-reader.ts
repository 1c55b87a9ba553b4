/** Reads one table of a flatbuffer; slots that were left out have their default. */
export class FlatReader {
  readonly #bytes: Buffer;
  readonly #at: number;
  readonly #vtable: number;

  private constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
    this.#vtable = at - bytes.readInt32LE(at);
  }

  /** The root table. @throws RangeError when offsets lead outside of the bytes, as all methods do. */
  static root(bytes: Buffer): FlatReader {
    return new FlatReader(bytes, bytes.readUInt32LE(0));
  }

  byte(slot: number): number {
    const place = this.#place(slot);
    return place === 0 ? 0 : this.#bytes.readUInt8(place);
  }

  short(slot: number): number {
    const place = this.#place(slot);
    return place === 0 ? 0 : this.#bytes.readInt16LE(place);
  }

  int(slot: number): number {
    const place = this.#place(slot);
    return place === 0 ? 0 : this.#bytes.readInt32LE(place);
  }

  /** A 64-bit length or offset. */
  long(slot: number): number {
    const place = this.#place(slot);
    return place === 0 ? 0 : Number(this.#bytes.readBigInt64LE(place));
  }

  text(slot: number): string {
    const at = this.#target(slot);
    if (at === null) return '';
    return this.#bytes.toString('utf8', at + 4, at + 4 + this.#bytes.readUInt32LE(at));
  }

  table(slot: number): FlatReader | null {
    const at = this.#target(slot);
    return at === null ? null : new FlatReader(this.#bytes, at);
  }

  tables(slot: number): readonly FlatReader[] {
    const at = this.#target(slot);
    if (at === null) return [];
    return Array.from({ length: this.#bytes.readUInt32LE(at) }, (_, index) => {
      const place = at + 4 + index * 4;
      return new FlatReader(this.#bytes, place + this.#bytes.readUInt32LE(place));
    });
  }

  /** Structs of `width` 64-bit words, one after the other. */
  words(slot: number, width: number): readonly number[] {
    const at = this.#target(slot);
    if (at === null) return [];
    return Array.from({ length: this.#bytes.readUInt32LE(at) * width }, (_, index) =>
      Number(this.#bytes.readBigInt64LE(at + 4 + index * 8)),
    );
  }

  #place(slot: number): number {
    const entry = 4 + slot * 2;
    if (entry >= this.#bytes.readUInt16LE(this.#vtable)) return 0;
    const offset = this.#bytes.readUInt16LE(this.#vtable + entry);
    return offset === 0 ? 0 : this.#at + offset;
  }

  #target(slot: number): number | null {
    const place = this.#place(slot);
    return place === 0 ? null : place + this.#bytes.readUInt32LE(place);
  }
}
