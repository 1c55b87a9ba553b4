import { Button } from '@grafana/ui';
import React from 'react';
import type { Estimate } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import { bytesText, pluralText } from '../format.js';
import type { GuardedRun } from './useGuardedRun.js';

interface Props {
  readonly guarded: GuardedRun;
  readonly estimate: Estimate | null | undefined;
}

/** Runs the query; its second face asks whether a large one is really meant. */
export function RunButton({ guarded, estimate }: Props): React.JSX.Element {
  if (guarded.confirming && estimate != null) {
    const size = `${pluralText(estimate.nodes, 'node')}, ≤ ${bytesText(estimate.bytes)}`;
    return (
      <Button
        size="sm"
        variant="destructive"
        icon="exclamation-triangle"
        tooltip={text.editor.runConfirmHint}
        onClick={guarded.run}
        data-testid={testIds.editor.run}
      >
        {text.editor.runConfirm(size)}
      </Button>
    );
  }
  return (
    <Button
      size="sm"
      icon={guarded.waiting ? 'fa fa-spinner' : 'play'}
      tooltip={text.editor.runShortcut}
      onClick={guarded.run}
      data-testid={testIds.editor.run}
    >
      {guarded.waiting ? text.editor.runWaiting : text.editor.run}
    </Button>
  );
}
