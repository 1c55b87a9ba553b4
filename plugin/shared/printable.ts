/** Controls (ANSI escapes begin with one), direction marks and characters that can't be seen; tags (U+E0000…) hide text. */
const hidden =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

/** Event text for one line of a screen: what could act on it or hide in it becomes a visible `\u{…}`. */
export function printable(text: string): string {
  return text.replace(hidden, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
