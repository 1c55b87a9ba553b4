import { Button, useStyles2 } from '@grafana/ui';
import React, { useState } from 'react';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import { editorStyles } from '../styles.js';
import { CoverageDrawer } from './CoverageDrawer.js';
import type { DrawerSource } from './CoverageDrawer.js';
import type { Outcome } from './summary.js';
import { footerText } from './summary.js';

interface Props {
  readonly outcome: Outcome;
  readonly source: DrawerSource;
}

/** One line about the last answer; a click shows the account of every node. */
export function Footer({ outcome, source }: Props): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  const [open, setOpen] = useState(false);
  const summary = footerText(outcome.custom);
  const whole = outcome.custom.coverage.complete;
  return (
    <div className={styles.row}>
      <Button
        size="sm"
        variant="secondary"
        fill="text"
        icon={whole ? 'check-circle' : 'exclamation-triangle'}
        aria-haspopup="dialog"
        aria-label={text.editor.footer.open(summary)}
        onClick={() => {
          setOpen(true);
        }}
        data-testid={testIds.editor.footer}
      >
        {summary}
      </Button>
      {open && (
        <CoverageDrawer
          outcome={outcome}
          source={source}
          onClose={() => {
            setOpen(false);
          }}
        />
      )}
    </div>
  );
}
