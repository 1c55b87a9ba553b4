import { Button, Select, useStyles2 } from '@grafana/ui';
import React from 'react';
import { aggregateFunctions } from '../../../shared/index.js';
import type { Aggregate, CatalogColumn } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import { builderStyles } from '../styles.js';
import { AddButton } from './AddButton.js';
import { BuilderRow } from './BuilderRow.js';
import { TextInput } from '../TextInput.js';
import { ColumnSelect } from './ColumnSelect.js';
import { replaced, without } from './lists.js';

const words = text.editor.builder;

interface Props {
  readonly columns: readonly CatalogColumn[];
  readonly aggregates: readonly Aggregate[];
  readonly onChange: (aggregates: readonly Aggregate[]) => void;
}

/** Count, distinct values, sums and the like, each with a name of its own if wanted. */
export function AggregateRows({ columns, aggregates, onChange }: Props): React.JSX.Element {
  return (
    <BuilderRow label={words.aggregates}>
      {aggregates.map((aggregate, index) => (
        <AggregateRow
          key={index}
          index={index}
          columns={columns}
          aggregate={aggregate}
          onChange={(changed) => {
            onChange(replaced(aggregates, index, changed));
          }}
          onRemove={() => {
            onChange(without(aggregates, index));
          }}
        />
      ))}
      <AddButton
        label={words.addAggregate}
        onClick={() => {
          onChange([...aggregates, { function: 'count' }]);
        }}
        testId={testIds.editor.addAggregate}
      />
    </BuilderRow>
  );
}

interface RowProps {
  readonly index: number;
  readonly columns: readonly CatalogColumn[];
  readonly aggregate: Aggregate;
  readonly onChange: (aggregate: Aggregate) => void;
  readonly onRemove: () => void;
}

function AggregateRow({ index, columns, aggregate, onChange, onRemove }: RowProps): React.JSX.Element {
  const styles = useStyles2(builderStyles);
  const { function: name, column, alias } = aggregate;
  return (
    <div className={styles.line} data-testid={testIds.editor.aggregate(index)}>
      <div>
        <Select
          aria-label={words.function}
          options={aggregateFunctions.map((value) => ({ value, label: words.functions[value] }))}
          value={name}
          onChange={({ value }) => {
            if (value === 'count') onChange({ function: value, ...(alias === undefined ? {} : { alias }) });
            else if (value !== undefined) onChange({ ...aggregate, function: value });
          }}
          width="auto"
        />
      </div>
      {name !== 'count' && (
        <div>
          <ColumnSelect
            label={words.ofColumn}
            columns={columns}
            value={column ?? null}
            onChange={(chosen) => {
              onChange({ ...aggregate, column: chosen });
            }}
          />
        </div>
      )}
      <div className={styles.short}>
        <TextInput
          label={words.alias}
          value={alias ?? ''}
          onChange={(typed) => {
            onChange({
              function: name,
              ...(column === undefined ? {} : { column }),
              ...(typed === '' ? {} : { alias: typed }),
            });
          }}
        />
      </div>
      <Button
        size="sm"
        icon="times"
        variant="secondary"
        fill="text"
        aria-label={words.removeAggregate(alias ?? words.functions[name])}
        onClick={onRemove}
      />
    </div>
  );
}
