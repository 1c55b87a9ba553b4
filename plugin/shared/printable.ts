/**
 * Controls (ANSI escapes begin with one), direction marks, and what is not seen at all: letters without a shape, variation
 * selectors, tags. A backslash that begins what looks like an escape is one of them, so that escapes can be read back.
 */
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|\\(?=u\{)/gu;

/** Event text for one line of a screen: what could act on it or hide in it becomes a visible `\u{…}`. */
export function printable(text: string): string {
  return text.replace(hidden, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The text that `printable` shows so: what a click on shown text means. */
export function unprintable(shown: string): string {
  return shown.replace(/\\u\{([0-9a-f]{1,6})\}/g, (escape, code: string) => {
    const point = parseInt(code, 16);
    return point <= 0x10ffff ? String.fromCodePoint(point) : escape;
  });
}
