import { useCallback, useEffect, useRef, useState } from 'react';
import type { ErrorBody } from '../../../shared/index.js';
import { errorOf } from './resourceError.js';

export interface Loaded<T> {
  /** Of the key as it is now. */
  readonly value: T | undefined;
  /** Of the key as it is now, or of the last one that came: to show while the next is on its way. */
  readonly latest: T | undefined;
  readonly error: ErrorBody | undefined;
  readonly loading: boolean;
  /** Ends the pause: what is to be loaded is loaded now. */
  readonly hurry: () => void;
}

interface State<T> {
  readonly key: string;
  readonly value?: T;
  readonly error?: ErrorBody;
}

/** Loads again whenever `key` changes, `delayMs` after its last change; null: nothing to load. What an old key still asks is stopped. */
export function useLoaded<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>, delayMs = 0): Loaded<T> {
  const [state, setState] = useState<State<T> | null>(null);
  const [latest, setLatest] = useState<T | undefined>(undefined);
  const loader = useRef(load);
  const pending = useRef<(() => void) | null>(null);
  const hurry = useCallback(() => pending.current?.(), []);
  useEffect(() => {
    loader.current = load;
  });
  useEffect(() => {
    if (key === null) return undefined;
    const abort = new AbortController();
    const begin = (): void => {
      clearTimeout(timer);
      pending.current = null;
      loader.current(abort.signal).then(
        (value) => {
          if (abort.signal.aborted) return;
          setState({ key, value });
          setLatest(value);
        },
        (thrown: unknown) => {
          if (!abort.signal.aborted) setState({ key, error: errorOf(thrown) });
        },
      );
    };
    const timer = setTimeout(begin, delayMs);
    pending.current = begin;
    return () => {
      abort.abort();
      clearTimeout(timer);
      pending.current = null;
    };
  }, [key, delayMs]);
  const ready = state !== null && state.key === key ? state : null;
  return { value: ready?.value, latest, error: ready?.error, loading: key !== null && ready === null, hurry };
}
