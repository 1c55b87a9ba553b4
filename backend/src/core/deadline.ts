/** A signal with a time limit, and the means to end it early. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** The time limit is over, and the given signal is no longer listened to. */
  clear(): void;
}

/**
 * A signal that aborts with the given one, or after so many milliseconds, whichever is first. In place of
 * `AbortSignal.any([signal, AbortSignal.timeout(ms)])`: Node 20 may collect that timeout as garbage, and then it never
 * comes. Doesn't keep the process alive.
 * @param late the reason when the time is over.
 */
export function deadlineOf(signal: AbortSignal, ms: number, late: () => unknown = tooLong): Deadline {
  const controller = new AbortController();
  const clear = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  };
  const onAbort = (): void => {
    clear();
    controller.abort(signal.reason);
  };
  const timer = setTimeout(
    () => {
      clear();
      controller.abort(late());
    },
    Math.min(ms, MOST_MS),
  );
  timer.unref();
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return { signal: controller.signal, clear };
}

/** The signal of `deadlineOf`, for what needs no early end. */
export function withDeadline(signal: AbortSignal, ms: number, late: () => unknown = tooLong): AbortSignal {
  return deadlineOf(signal, ms, late).signal;
}

/** Node.js fires timers beyond this at once. */
const MOST_MS = 2 ** 31 - 1;

function tooLong(): DOMException {
  return new DOMException('The operation took too long.', 'TimeoutError');
}

/** The value, or the signal's reason when that comes first: also of work that doesn't listen to the signal. */
export async function untilAborted<T>(value: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([value, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    // What comes of it later is nobody's any more.
    value.catch(() => undefined);
  }
}
