import { coverageNotice } from '../../shared/coverage.js';
import type { Frame, Notice } from '../frames/frame.js';
import type { Answer } from './types.js';

export interface Account {
  readonly answer: Answer;
  readonly sql: string;
  readonly shared: boolean;
  readonly policy: 'warn' | 'fail' | 'ignore';
  /** Rows that the query's limit could be raised to. */
  readonly most: number;
  readonly rangeMinutes: number;
}

/**
 * The first frame gets the answer's account: coverage and cost, the SQL that ran, and all notices as one, as Grafana
 * shows one of each severity only.
 */
export function withAccount(frames: readonly Frame[], account: Account): readonly Frame[] {
  const { answer, sql, shared } = account;
  const notice = oneNotice(frames, account);
  return frames.map(({ name, meta: { notices: _merged, ...meta }, fields }, index) => ({
    name,
    fields,
    meta:
      index > 0
        ? meta
        : {
            ...meta,
            executedQueryString: sql,
            ...(notice === null ? {} : { notices: [notice] }),
            custom: { coverage: answer.coverage, stats: answer.stats, shared },
          },
  }));
}

function oneNotice(frames: readonly Frame[], { answer, policy, most, rangeMinutes }: Account): Notice | null {
  const ofCoverage = coverageNotice(answer.coverage, answer.stats, { policy, most, rangeMinutes });
  const notices: Notice[] = [
    ...(ofCoverage === null ? [] : [ofCoverage]),
    ...frames.flatMap(({ meta }) => meta.notices ?? []),
    ...(answer.timesLeftOut === 0 ? [] : [leftOut(answer.timesLeftOut)]),
  ];
  if (notices.length === 0) return null;
  const severity = (['error', 'warning'] as const).find((each) => notices.some((notice) => notice.severity === each));
  return { severity: severity ?? 'info', text: notices.map(({ text }) => text).join(' ') };
}

function leftOut(count: number): Notice {
  return {
    severity: 'warning',
    text: `${count} times lie outside of the years 1677 to 2262, which Grafana can't hold: they are empty.`,
  };
}
