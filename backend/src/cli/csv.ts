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

/** What begins a formula, in ASCII and in full width. */
const FORMULA = /[=+\-@|\uff1d\uff0b\uff0d\uff20\uff5c]/;
/** What ends a cell where another locale's separator, or none but lines, is gone by. */
const SEPARATOR = /[;|\t\r\n]/;
/** What spreadsheets strip or don't show before a cell's text. */
const STRIPPED = /[\s"\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/;

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
  for (let at = 0; at < begun.length; at += 1) {
    const character = begun.charAt(at);
    if (atStart && FORMULA.test(character)) {
      safe += `${begun.slice(kept, at)}'`;
      kept = at;
    }
    atStart = SEPARATOR.test(character) || (atStart && STRIPPED.test(character));
  }
  return safe + begun.slice(kept);
}
