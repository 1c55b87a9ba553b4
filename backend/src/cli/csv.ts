/**
 * One line of CSV (RFC 4180: commas, CRLF, quotes doubled). Text that a spreadsheet would run as a formula (it begins
 * with = + - @, a tab or a carriage return) gets an apostrophe in front, unless `raw`.
 */
export function csvLine(values: readonly unknown[], raw = false): string {
  return `${values.map((value) => csvField(value, raw)).join(',')}\r\n`;
}

function csvField(value: unknown, raw: boolean): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const safe = raw || !/^[=+\-@\t\r]/.test(text) ? text : `'${text}`;
  return /[",\r\n]/.test(safe) || safe === '' ? `"${safe.replaceAll('"', '""')}"` : safe;
}
