import type { AlertCoverage, ArmorlakeModel } from '../../shared/index.js';
import { text } from '../text.js';

export type AlertChoice = 'fail' | 'failGaps' | 'atLeast' | 'ignore';

/** Per cent of the expected nodes that a share begins with. */
const USUAL_SHARE = 95;

export function alertChoiceOf(coverage: AlertCoverage): AlertChoice {
  return coverage.mode === 'fail' && coverage.gaps ? 'failGaps' : coverage.mode;
}

export function alertCoverageFor(choice: AlertChoice): AlertCoverage {
  switch (choice) {
    case 'fail':
      return { mode: 'fail', gaps: false };
    case 'failGaps':
      return { mode: 'fail', gaps: true };
    case 'atLeast':
      return { mode: 'atLeast', percent: USUAL_SHARE };
    case 'ignore':
      return { mode: 'ignore' };
  }
}

/** What differs from the usual, in a few words; empty: nothing. */
export function optionsText({ queryType, editor, live, perNode, partial, alertCoverage }: ArmorlakeModel): string {
  const words = text.editor.options.summary;
  const choice = alertChoiceOf(alertCoverage);
  return [
    ...(partial === 'fail' ? [words.partialFail] : []),
    ...(partial === 'warn' ? [words.partialWarn] : []),
    ...(partial === 'ignore' ? [words.partialIgnore] : []),
    ...(live === true && queryType === 'logs' && editor === 'builder' ? [words.live] : []),
    ...(perNode ? [words.perNode] : []),
    ...(choice === 'failGaps' ? [words.alertGaps] : []),
    ...(alertCoverage.mode === 'atLeast' ? [words.alertAtLeast(alertCoverage.percent)] : []),
    ...(choice === 'ignore' ? [words.alertIgnore] : []),
  ].join(' · ');
}
