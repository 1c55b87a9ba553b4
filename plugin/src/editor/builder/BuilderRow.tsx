import { useStyles2 } from '@grafana/ui';
import React from 'react';
import type { ReactNode } from 'react';
import { builderStyles } from '../styles.js';

interface Props {
  readonly label: string;
  readonly children: ReactNode;
}

/** One named row of the builder; what it holds wraps. */
export function BuilderRow({ label, children }: Props): React.JSX.Element {
  const styles = useStyles2(builderStyles);
  return (
    <div className={styles.row} role="group" aria-label={label}>
      <span className={styles.label} aria-hidden>
        {label}
      </span>
      <div className={styles.items}>{children}</div>
    </div>
  );
}
