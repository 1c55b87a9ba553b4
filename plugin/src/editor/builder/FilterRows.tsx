import { Button, useStyles2 } from '@grafana/ui';
import React from 'react';
import type { CatalogColumn, Filter } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import type { ValueSource } from '../hooks/useValues.js';
import { builderStyles } from '../styles.js';
import { BuilderRow } from './BuilderRow.js';
import { FilterRow } from './FilterRow.js';
import { newFilter } from './filters.js';
import { replaced, without } from './lists.js';

interface Props {
  readonly columns: readonly CatalogColumn[];
  readonly filters: readonly Filter[];
  readonly onChange: (filters: readonly Filter[]) => void;
  readonly values: ValueSource;
}

/** The builder's conditions; all must hold. */
export function FilterRows({ columns, filters, onChange, values }: Props): React.JSX.Element {
  const styles = useStyles2(builderStyles);
  return (
    <BuilderRow label={text.editor.builder.filters}>
      {filters.map((filter, index) => (
        <FilterRow
          key={index}
          index={index}
          columns={columns}
          filter={filter}
          others={without(filters, index)}
          values={values}
          onChange={(changed) => {
            onChange(replaced(filters, index, changed));
          }}
          onRemove={() => {
            onChange(without(filters, index));
          }}
        />
      ))}
      <div className={styles.line}>
        <Button
          size="sm"
          icon="plus"
          variant="secondary"
          onClick={() => {
            onChange([...filters, newFilter(columns)]);
          }}
          data-testid={testIds.editor.addFilter}
        >
          {text.editor.builder.addFilter}
        </Button>
      </div>
    </BuilderRow>
  );
}
