import type { ProcessTarget } from '../../../shared/index.js';

export type TargetKind = ProcessTarget['by'];

/** What a tree is drawn around before anything is chosen. */
const emptyEvent: Extract<ProcessTarget, { by: 'event' }> = { by: 'event', node: '', seq: '' };

/** The target as it is shown; nothing chosen yet: an event without a number. */
export function shownTarget(target: ProcessTarget | null): ProcessTarget {
  return target ?? emptyEvent;
}

/** The same on the same node by other means; what was typed for the old one goes. */
export function targetBy(kind: TargetKind, target: ProcessTarget | null): ProcessTarget {
  const { node } = shownTarget(target);
  if (target?.by === kind) return target;
  return kind === 'event' ? { ...emptyEvent, node } : { by: 'pid', node, host: '', pid: '', time: '' };
}
