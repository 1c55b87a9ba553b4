const SLOTS = 64;
const LONGEST = 256;

/**
 * Short texts a field had lately, by their bytes: events of one host repeat the same pods, paths and labels, and the
 * same bytes give the same JavaScript string again without decoding it. Holds at most 64 texts of 256 bytes.
 */
export class TextCache {
  readonly #bytes = new Uint8Array(SLOTS * LONGEST);
  readonly #lengths = new Uint16Array(SLOTS);
  readonly #texts: string[] = new Array<string>(SLOTS).fill('');

  /**
   * The text of the bytes from `start` to `end` if all of them are ASCII, from the cache or freshly decoded;
   * undefined if they aren't, or if there are more than the cache keeps.
   */
  ascii(source: Buffer, start: number, end: number): string | undefined {
    const length = end - start;
    if (length > LONGEST) return undefined;
    const slot = slotOf(source, start, length);
    const base = slot * LONGEST;
    const kept = this.#bytes;
    if (this.#lengths[slot] === length) {
      let index = 0;
      while (index < length && kept[base + index] === source[start + index]) index += 1;
      if (index === length) return this.#texts[slot];
    }
    let seen = 0;
    for (let index = 0; index < length; index += 1) {
      const byte = source[start + index] ?? 0;
      kept[base + index] = byte;
      seen |= byte;
    }
    if (seen >= 0x80) {
      this.#lengths[slot] = 0;
      return undefined;
    }
    const text = source.toString('latin1', start, end);
    this.#lengths[slot] = length;
    this.#texts[slot] = text;
    return text;
  }
}

/** A slot by the length and four bytes spread over the text: names differ at their ends, ids everywhere. */
function slotOf(source: Buffer, start: number, length: number): number {
  const first = source[start] ?? 0;
  const middle = source[start + (length >> 1)] ?? 0;
  const late = source[start + length - (length >> 2) - 1] ?? 0;
  const last = source[start + length - 1] ?? 0;
  return (length + first * 3 + middle * 7 + late * 13 + last * 29) & (SLOTS - 1);
}
