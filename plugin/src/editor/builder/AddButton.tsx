import { Button, useStyles2 } from '@grafana/ui';
import React from 'react';
import { builderStyles } from '../styles.js';

interface Props {
  readonly label: string;
  readonly onClick: () => void;
  readonly testId?: string;
}

/** Adds one more to the rows above it. */
export function AddButton({ label, onClick, testId }: Props): React.JSX.Element {
  const styles = useStyles2(builderStyles);
  return (
    <div className={styles.line}>
      <Button size="sm" icon="plus" variant="secondary" onClick={onClick} data-testid={testId}>
        {label}
      </Button>
    </div>
  );
}
