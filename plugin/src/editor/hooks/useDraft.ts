import { useEffect, useRef, useState } from 'react';

/** Pause in typing after which the query is told, ms; leaving the editor and running tell it at once. */
const TOLD_AFTER_MS = 300;

export interface Draft {
  readonly draft: string;
  readonly type: (typed: string) => void;
  /** Tells the query what is typed, at once. */
  readonly tell: () => void;
}

interface State {
  readonly typed: string;
  /** What the query was told last. */
  readonly told: string;
  /** What the query said last. */
  readonly seen: string;
}

/**
 * What is typed, told to the query after a pause: each telling redraws the whole panel. A text that comes from elsewhere (a
 * recipe, undo) replaces it.
 */
export function useDraft(value: string, onChange: (value: string) => void): Draft {
  const [state, setState] = useState<State>({ typed: value, told: value, seen: value });
  if (state.seen !== value) {
    setState(value === state.told ? { ...state, seen: value } : { typed: value, told: value, seen: value });
  }
  const latest = useRef({ state, onChange });
  useEffect(() => {
    latest.current = { state, onChange };
  });
  const [tell] = useState(() => (): void => {
    const { state: now, onChange: say } = latest.current;
    if (now.typed === now.told) return;
    const told = { ...now, told: now.typed };
    latest.current = { state: told, onChange: say };
    setState((old) => ({ ...old, told: told.told }));
    say(told.told);
  });
  const { typed, told } = state;
  useEffect(() => {
    if (typed === told) return undefined;
    const timer = setTimeout(tell, TOLD_AFTER_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [typed, told, tell]);
  const type = (text: string): void => {
    setState((old) => ({ ...old, typed: text }));
  };
  return { draft: typed, type, tell };
}
