/**
 * One line of CSV (RFC 4180: commas, CRLF, quotes doubled). Text that a spreadsheet would run as a formula gets an
 * apostrophe in front of it, unless `raw`.
 */
export function csvLine(values: readonly unknown[], raw = false): string {
  return `${values.map((value) => csvField(value, raw)).join(',')}\r\n`;
}

function csvField(value: unknown, raw: boolean): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = raw ? text : defused(text);
  return /[";,\t\r\n]/.test(safe) || safe === '' ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** What begins a formula: in ASCII, and what compatibility forms (full width, small, raised, lowered) make of it. */
const FORMULA =
  /[=+\-@|\u207a-\u207c\u208a-\u208c\u2212\ufb29\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20\uff5c\u2a74-\u2a76]/;
/** What ends a cell where another locale's separator, or none but lines (of Unicode, too), is gone by. */
const SEPARATOR = /[;|\t-\r\x1c-\x1f\x85\u2028\u2029]/;
/** What spreadsheets and importers strip or don't show before a cell's text: spaces, control and format characters, quotes. */
const STRIPPED = /[\s"\uff02\p{Cc}\p{Cf}]/u;

/**
 * Text without formulas, also where it is split at other separators: the quotes around a field hold only for who splits
 * at commas. One pass, as the text is an attacker's.
 */
function defused(text: string): string {
  const begun = /^[\t\r\n]/.test(text) ? `'${text}` : text;
  if (!FORMULA.test(begun)) return begun;
  let safe = '';
  let kept = 0;
  let atStart = true;
  let at = 0;
  for (const character of begun) {
    if (atStart && FORMULA.test(character)) {
      safe += `${begun.slice(kept, at)}'`;
      kept = at;
    }
    atStart = SEPARATOR.test(character) || (atStart && STRIPPED.test(character));
    at += character.length;
  }
  return safe + begun.slice(kept);
}
