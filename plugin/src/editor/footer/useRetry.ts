import { useEffect, useRef, useState } from 'react';
import type { NodeCoverage } from '../../../shared/index.js';
import { errorOf } from '../hooks/resourceError.js';

/** Asks only these nodes the same query; answers what became of each. */
export type RetryFailed = (nodes: readonly string[]) => Promise<readonly NodeCoverage[]>;

export interface Retry {
  readonly running: boolean;
  readonly result: {
    readonly asked: number;
    readonly answered: number;
    readonly nodes: readonly NodeCoverage[];
  } | null;
  readonly error: string | null;
  readonly start: (nodes: readonly string[]) => void;
}

/** One retry at a time; an answer that comes after the drawer is closed is dropped. */
export function useRetry(retry: RetryFailed): Retry {
  const [running, setRunning] = useState(false);
  const [result, setResult] = useState<Retry['result']>(null);
  const [error, setError] = useState<string | null>(null);
  const mounted = useRef(true);
  useEffect(() => {
    mounted.current = true;
    return () => {
      mounted.current = false;
    };
  }, []);
  const start = (nodes: readonly string[]): void => {
    setRunning(true);
    setError(null);
    retry(nodes).then(
      (coverage) => {
        if (!mounted.current) return;
        const answered = coverage.filter(({ status }) => status !== 'failed').length;
        setResult({ asked: nodes.length, answered, nodes: coverage });
        setRunning(false);
      },
      (thrown: unknown) => {
        if (!mounted.current) return;
        setError(errorOf(thrown).message);
        setRunning(false);
      },
    );
  };
  return { running, result, error, start };
}
