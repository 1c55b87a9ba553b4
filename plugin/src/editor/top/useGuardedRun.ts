import { useEffect, useState } from 'react';
import type { Estimate } from '../../../shared/index.js';
import { nextRunStep } from './estimate.js';

export interface GuardedRun {
  /** Runs the query as it is now, or asks for a second call when it is a large one. */
  readonly run: () => void;
  readonly waiting: boolean;
  /** The next call of `run` runs it. */
  readonly confirming: boolean;
}

/**
 * Lets a large query run on the second click only; the same query is not asked about twice.
 * @param key what tells one query from another
 * @param estimate of that query; undefined: on its way; null: there is none
 * @param hurry called while the estimate is waited for
 */
export function useGuardedRun(
  key: string,
  estimate: Estimate | null | undefined,
  onRun: () => void,
  hurry: () => void,
): GuardedRun {
  const [pending, setPending] = useState(false);
  const [asked, setAsked] = useState<string | null>(null);
  const [confirmed, setConfirmed] = useState<string | null>(null);
  useEffect(() => {
    if (!pending) return undefined;
    const step = nextRunStep(estimate, confirmed === key || asked === key);
    if (step === 'wait') {
      hurry();
      return undefined;
    }
    const timer = setTimeout(() => {
      setPending(false);
      if (step === 'confirm') {
        setAsked(key);
        return;
      }
      if (asked === key) setConfirmed(key);
      setAsked(null);
      onRun();
    });
    return () => {
      clearTimeout(timer);
    };
  }, [pending, asked, confirmed, key, estimate, onRun, hurry]);
  return {
    run: () => {
      setPending(true);
    },
    waiting: pending && estimate === undefined,
    confirming: asked === key,
  };
}
