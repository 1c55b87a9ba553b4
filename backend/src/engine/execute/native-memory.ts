import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const EVERY_MS = 1000;
let collect: (() => void) | null = null;
let freedMs = -Infinity;

/**
 * Frees what DuckDB holds for results that nobody reads any more. They go when V8 collects the objects that stand for
 * them, which a heap that is otherwise small seldom does: where memory has run out, the next query would meet the same.
 */
export function freeResults(): void {
  const nowMs = performance.now();
  if (nowMs - freedMs < EVERY_MS) return;
  freedMs = nowMs;
  if (collect === null) {
    setFlagsFromString('--expose-gc');
    const exposed: unknown = runInNewContext('gc');
    collect = typeof exposed === 'function' ? () => void Reflect.apply(exposed, undefined, []) : () => undefined;
  }
  collect();
}
