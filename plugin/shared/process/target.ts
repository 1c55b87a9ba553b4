import { QueryError } from '../errors.js';
import type { ProcessTarget } from '../model.js';
import { literal, numberLiteral, shown, timestampLiteral } from '../quoting.js';
import { wholeVariable } from '../variable-names.js';

/** A whole number that a BIGINT column can hold. @throws QueryError */
function wholeNumber(text: string, what: string): string {
  const trimmed = text.trim();
  if (!/^\d{1,19}$/.test(trimmed) || BigInt(trimmed) >= 2n ** 63n) {
    throw new QueryError(`${what} is a whole number, not "${shown(text)}".`);
  }
  return numberLiteral(trimmed, what);
}

/** ms since 1970, of either those themselves or an ISO time (UTC unless it says otherwise). @throws QueryError */
function momentOf(text: string): number {
  const trimmed = text.trim();
  const iso = /[zZ]$|[+-]\d\d:?\d\d$/.test(trimmed) ? trimmed : `${trimmed}Z`;
  const ms = /^-?\d+$/.test(trimmed) ? Number(trimmed) : Date.parse(iso);
  if (Number.isFinite(ms) && Math.abs(ms) <= 8.64e15) return ms;
  throw new QueryError(`The time of a process is a time, not "${shown(text)}".`, {
    hint: 'Written are 2026-01-31T12:00:00Z, or ms since 1970.',
  });
}

function textsOf(target: ProcessTarget): readonly string[] {
  return target.by === 'event' ? [target.node, target.seq] : [target.node, target.pid, target.time, target.host];
}

/** Whether too little is said to look for anything: a variable of the dashboard may still be empty. */
export function isBlankTarget(target: ProcessTarget | null): boolean {
  if (target === null) return true;
  const needed = target.by === 'event' ? [target.node, target.seq] : [target.node, target.pid];
  return needed.some((text) => text.trim() === '');
}

/**
 * SQL of the one row a tree is drawn around: the event itself, or the last one of a PID until a time (left out: until the
 * end of the range).
 * @throws QueryError for a value that does not fit, and a variable that has none.
 */
export function targetRow(target: ProcessTarget, interpolated: boolean, toMs: number): readonly string[] {
  const left = interpolated ? undefined : textsOf(target).find((text) => wholeVariable(text) !== null);
  if (left !== undefined) {
    throw new QueryError(`The variable ${shown(left)} has no value here.`, {
      hint: 'Only a dashboard that defines it gives it one: write the node and the number of the event.',
    });
  }
  const from = ['FROM kubearmor.events', `WHERE node = ${literal(target.node.trim())}`];
  if (target.by === 'event')
    return [...from, `  AND seq = ${wholeNumber(target.seq, 'The number of an event')}`, 'LIMIT 1'];
  const until = target.time.trim() === '' ? toMs : momentOf(target.time);
  const host = target.host.trim();
  return [
    ...from,
    `  AND host_pid = ${wholeNumber(target.pid, 'A PID')}`,
    // A time that people read has ms, the event's own has µs.
    `  AND time < ${timestampLiteral(until)} + INTERVAL 1 MILLISECOND`,
    ...(host === '' ? [] : [`  AND ${literal(host)} IN (host, machine_id)`]),
    'ORDER BY time DESC, seq DESC',
    'LIMIT 1',
  ];
}
