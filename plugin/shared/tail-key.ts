import type { TailRequest } from './resources.js';

/** FNV-1a's 64-bit prime. */
const PRIME = 0x100000001b3n;
const SEEDS = [0xcbf29ce484222325n, 0x9ae16a3b2f90404fn] as const;

/**
 * Name of the channel of a live tail: the same for the same rows, another for others. 128 bits in hex; the backend compares
 * it with the request, so it need not withstand attackers (and `crypto.subtle` is missing where Grafana is served by http).
 */
export function tailKey({ table, filters, adHocFilters }: TailRequest): string {
  const text = JSON.stringify([
    table,
    filters.map(({ column, key, operator, values }) => [column, key ?? null, operator, values]),
    adHocFilters.map(({ key, operator, values }) => [key, operator, values]),
  ]);
  return SEEDS.map((seed) => hash(text, seed).toString(16).padStart(16, '0')).join('');
}

function hash(text: string, seed: bigint): bigint {
  let value = seed;
  for (let index = 0; index < text.length; index++) {
    value = BigInt.asUintN(64, (value ^ BigInt(text.charCodeAt(index))) * PRIME);
  }
  return value;
}
