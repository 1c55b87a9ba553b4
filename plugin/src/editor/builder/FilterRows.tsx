import React from 'react';
import type { CatalogColumn, Filter } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import type { ValueSource } from '../hooks/useValues.js';
import { AddButton } from './AddButton.js';
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
      <AddButton
        label={text.editor.builder.addFilter}
        onClick={() => {
          onChange([...filters, newFilter(columns)]);
        }}
        testId={testIds.editor.addFilter}
      />
    </BuilderRow>
  );
}
