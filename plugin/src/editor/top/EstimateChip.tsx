import { Icon, Tooltip, useStyles2 } from '@grafana/ui';
import { cx } from '@emotion/css';
import React from 'react';
import type { Estimate } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import { editorStyles } from '../styles.js';
import { estimateText, needsConfirmation } from './estimate.js';

const words = text.editor.estimate;

interface Props {
  readonly estimate: Estimate | null | undefined;
}

/** What the query will cost, before it runs. */
export function EstimateChip({ estimate }: Props): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  const large = estimate != null && needsConfirmation(estimate);
  return (
    <Tooltip content={words.hint}>
      <span
        className={cx(styles.chip, large && styles.chipLarge)}
        role="status"
        aria-label={words.label}
        tabIndex={0}
        data-testid={testIds.editor.estimate}
      >
        <Icon name={large ? 'exclamation-triangle' : 'info-circle'} size="sm" />
        {estimate === undefined ? words.loading : estimate === null ? words.none : estimateText(estimate)}
      </span>
    </Tooltip>
  );
}
