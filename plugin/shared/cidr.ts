import { QueryError } from './errors.js';
import { literal, shown } from './quoting.js';

/** An address block: the bytes of its first address, and how many bits are fixed. */
interface Block {
  readonly bytes: readonly number[];
  readonly bits: number;
}

function bytesOfV4(text: string): readonly number[] | null {
  const octets = text.split('.');
  const valid = octets.length === 4 && octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256);
  return valid ? octets.map(Number) : null;
}

function bytesOfV6(text: string): readonly number[] | null {
  const halves = text.split('::');
  if (halves.length > 2) return null;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const last = (halves.length === 2 ? tail : head).at(-1) ?? '';
  const v4 = last.includes('.') ? bytesOfV4(last) : null;
  if (last.includes('.') && v4 === null) return null;
  const inHex = (groups: readonly string[]): readonly string[] =>
    v4 !== null && groups.at(-1) === last ? groups.slice(0, -1) : groups;
  const bytes = (groups: readonly string[]): readonly number[] =>
    groups.flatMap((group) => {
      const value = /^[0-9a-f]{1,4}$/i.test(group) ? parseInt(group, 16) : NaN;
      return [Math.floor(value / 256), value % 256];
    });
  const [first, second] = halves.length === 2 ? [bytes(head), bytes(inHex(tail))] : [bytes(inHex(head)), []];
  const missing = 16 - first.length - second.length - (v4?.length ?? 0);
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  const all = [...first, ...Array.from({ length: missing }, () => 0), ...second, ...(v4 ?? [])];
  return all.some(Number.isNaN) ? null : all;
}

/** @throws QueryError that says what a block looks like. */
function parseBlock(text: string): Block {
  const [address = '', bitsText, ...rest] = text.trim().split('/');
  const bytes = address.includes(':') ? bytesOfV6(address) : bytesOfV4(address);
  const width = (bytes?.length ?? 0) * 8;
  const bits = bitsText === undefined ? width : /^\d{1,3}$/.test(bitsText) ? Number(bitsText) : NaN;
  if (bytes === null || rest.length > 0 || !(bits <= width)) {
    throw new QueryError(`"${shown(text)}" is no address block.`, {
      hint: 'Wanted is one as 10.0.0.0/8, 2001:db8::/32, or a single address.',
    });
  }
  const fixed = bytes.map((byte, index) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - index * 8))) & 0xff);
  const mapped = width === 128 && bits >= 96 && fixed.slice(0, 12).join() === '0,0,0,0,0,0,0,0,0,0,255,255';
  return mapped ? { bytes: fixed.slice(12), bits: bits - 96 } : { bytes: fixed, bits };
}

/** The v4 address in a text, also of one written as ::ffff:10.0.0.1; empty for anything else. */
function v4Sql(column: string): string {
  return `regexp_extract(${column}, '^(?:::[fF]{4}:)?(\\d{1,3}(?:\\.\\d{1,3}){3})$', 1)`;
}

function inV4(column: string, { bytes, bits }: Block): string {
  const address = v4Sql(column);
  if (bits === 32) return `${address} = ${literal(bytes.join('.'))}`;
  const whole = Math.floor(bits / 8);
  const open = bits % 8;
  const low = bytes[whole] ?? 0;
  const conditions = [
    ...(whole === 0 ? [] : [`starts_with(${address}, ${literal(`${bytes.slice(0, whole).join('.')}.`)})`]),
    ...(open === 0
      ? []
      : [
          `TRY_CAST(split_part(${address}, '.', ${String(whole + 1)}) AS INTEGER) BETWEEN ${String(low)} AND ${String(low + (0xff >> open))}`,
        ]),
  ];
  return conditions.length === 0 ? `${address} <> ''` : conditions.join(' AND ');
}

/** The 32 hexadecimal digits of a v6 address, whatever short form it is written in; DuckDB's inet is not at hand. */
function v6Sql(column: string): string {
  const address = `lower(split_part(${column}, '%', 1))`;
  const groups = (part: number): string =>
    `list_filter(string_split(split_part(${address}, '::', ${String(part)}), ':'), lambda g: g <> '')`;
  const [head, tail] = [groups(1), groups(2)];
  const zeros = `list_slice(['0', '0', '0', '0', '0', '0', '0', '0'], 1, greatest(0, 8 - len(${head}) - len(${tail})))`;
  return `array_to_string(list_transform(list_concat(${head}, ${zeros}, ${tail}), lambda g: right('0000' || g, 4)), '')`;
}

function inV6(column: string, { bytes, bits }: Block): string {
  const hex = (all: readonly number[]): string => all.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const high = bytes.map((byte, index) => byte | (0xff >> Math.min(8, Math.max(0, bits - index * 8))));
  const isV6 = `regexp_full_match(${column}, '[0-9a-fA-F:]*:[0-9a-fA-F:]*(%.*)?')`;
  return `${isV6} AND ${v6Sql(column)} BETWEEN '${hex(bytes)}' AND '${hex(high)}'`;
}

/**
 * SQL that says whether the address in a text column lies in a block, v4 or v6; NULL where the column is.
 * @throws QueryError for a malformed block.
 */
export function inCidrSql(column: string, cidr: string): string {
  const block = parseBlock(cidr);
  return `(${block.bytes.length === 4 ? inV4(column, block) : inV6(column, block)})`;
}
