/**
 * A signal that aborts with the given one, or after so many milliseconds, whichever is first. In place of
 * `AbortSignal.any([signal, AbortSignal.timeout(ms)])`: Node 20 may collect that timeout as garbage, and then it never
 * comes. Doesn't keep the process alive.
 */
export function withDeadline(signal: AbortSignal, ms: number): AbortSignal {
  const controller = new AbortController();
  const onAbort = (): void => {
    clearTimeout(timer);
    controller.abort(signal.reason);
  };
  const timer = setTimeout(() => {
    signal.removeEventListener('abort', onAbort);
    controller.abort(new DOMException('The operation took too long.', 'TimeoutError'));
  }, ms);
  timer.unref();
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return controller.signal;
}
