import { Select, useStyles2 } from '@grafana/ui';
import React from 'react';
import type { CatalogTable } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import { builderStyles } from '../styles.js';
import { BuilderRow } from './BuilderRow.js';

const words = text.editor.builder;

interface Props {
  readonly tables: readonly CatalogTable[];
  readonly value: string;
  /** Why the tables could not be listed; null: they could. */
  readonly problem: string | null;
  readonly onChange: (table: string) => void;
}

export function TableRow({ tables, value, problem, onChange }: Props): React.JSX.Element {
  const styles = useStyles2(builderStyles);
  return (
    <BuilderRow label={words.table}>
      <div className={styles.line}>
        <div data-testid={testIds.editor.table}>
          <Select<string>
            aria-label={words.table}
            options={tables.map(({ name, description }) => ({ value: name, label: name, description }))}
            value={{ value, label: value }}
            onChange={({ value: chosen }) => {
              if (chosen !== undefined) onChange(chosen);
            }}
            allowCustomValue
            width="auto"
          />
        </div>
        {problem !== null && (
          <span role="alert" className={styles.error}>
            {words.catalogFailed} {problem}
          </span>
        )}
      </div>
    </BuilderRow>
  );
}
