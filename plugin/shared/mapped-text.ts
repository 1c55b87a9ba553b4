/** A text made out of another, which knows for each of its places where that came from. */
export interface MappedText {
  readonly text: string;
  /** Offset in `text` → offset in the text it was made of. */
  readonly originalPosition: (position: number) => number;
}

interface Piece {
  /** Where it begins in the new text. */
  readonly at: number;
  readonly length: number;
  readonly from: number;
  /** Taken over as it was; otherwise all its places come from `from`. */
  readonly verbatim: boolean;
}

/** Puts a text together, piece by piece. */
export class TextMapper {
  readonly #pieces: Piece[] = [];
  #text = '';

  /** Takes over `text`, which stands at `from`. */
  keep(text: string, from: number): void {
    this.#add(text, from, true);
  }

  /** Puts `text` in the place of what stood at `from`. */
  put(text: string, from: number): void {
    this.#add(text, from, false);
  }

  /** Puts in what was made of a part of the original. */
  putMapped(part: MappedText): void {
    for (let at = 0; at < part.text.length; at += 1) {
      this.#add(part.text.charAt(at), part.originalPosition(at), true);
    }
  }

  /** The last character so far. */
  get last(): string {
    return this.#text.at(-1) ?? '';
  }

  #add(text: string, from: number, verbatim: boolean): void {
    this.#pieces.push({ at: this.#text.length, length: text.length, from, verbatim });
    this.#text += text;
  }

  finish(): MappedText {
    const pieces = this.#pieces;
    return {
      text: this.#text,
      originalPosition: (position) => {
        const piece = pieces.findLast(({ at }) => at <= position);
        if (piece === undefined) return 0;
        return piece.verbatim ? piece.from + Math.min(position - piece.at, piece.length) : piece.from;
      },
    };
  }
}

/** Two steps as one: `second` was made out of `first.text`. */
export function composed(first: MappedText, second: MappedText): MappedText {
  return {
    text: second.text,
    originalPosition: (position) => first.originalPosition(second.originalPosition(position)),
  };
}
