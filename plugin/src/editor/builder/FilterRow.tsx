import { Button, Icon, Select, Tooltip, useStyles2 } from '@grafana/ui';
import React, { useState } from 'react';
import { printable } from '../../../shared/index.js';
import type { CatalogColumn, Filter } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import type { ValueSource } from '../hooks/useValues.js';
import { useValues } from '../hooks/useValues.js';
import { builderStyles } from '../styles.js';
import { ValueSelect } from '../ValueSelect.js';
import { ColumnSelect } from './ColumnSelect.js';
import { isUnfinished, operatorsFor, takesKey, takesValues, withColumn, withOperator } from './filters.js';

const words = text.editor.builder;

interface Props {
  readonly index: number;
  readonly columns: readonly CatalogColumn[];
  readonly filter: Filter;
  /** The other conditions: values are suggested among the rows that match them. */
  readonly others: readonly Filter[];
  readonly values: ValueSource;
  readonly onChange: (filter: Filter) => void;
  readonly onRemove: () => void;
}

/** Column, key of a map, operator by meaning, values. */
export function FilterRow({ index, columns, filter, others, values, onChange, onRemove }: Props): React.JSX.Element {
  const styles = useStyles2(builderStyles);
  const operators = operatorsFor(columns, filter);
  return (
    <div className={styles.line} data-testid={testIds.editor.filter(index)}>
      <div>
        <ColumnSelect
          label={words.column}
          columns={columns}
          value={filter.column === '' ? null : filter.column}
          onChange={(column) => {
            onChange(withColumn(columns, filter, column));
          }}
        />
      </div>
      {takesKey(columns, filter) && (
        <div className={styles.short}>
          <KeySelect filter={filter} others={others} values={values} onChange={onChange} />
        </div>
      )}
      <div>
        <Select
          aria-label={words.operator(filter.column)}
          options={operators.map((operator) => ({ value: operator, label: operator }))}
          value={filter.operator}
          onChange={({ value }) => {
            if (value !== undefined) onChange(withOperator(filter, value));
          }}
          width="auto"
        />
      </div>
      {takesValues(filter) && (
        <div className={styles.values}>
          <FilterValues filter={filter} others={others} values={values} onChange={onChange} />
        </div>
      )}
      {isUnfinished(columns, filter) && (
        <Tooltip content={words.unfinished}>
          <Icon name="info-circle" aria-label={words.unfinished} tabIndex={0} />
        </Tooltip>
      )}
      <Button
        size="sm"
        icon="times"
        variant="secondary"
        fill="text"
        aria-label={words.removeFilter(filter.column)}
        onClick={onRemove}
      />
    </div>
  );
}

interface PartProps {
  readonly filter: Filter;
  readonly others: readonly Filter[];
  readonly values: ValueSource;
  readonly onChange: (filter: Filter) => void;
}

function FilterValues({ filter, others, values, onChange }: PartProps): React.JSX.Element {
  const [search, setSearch] = useState<string | null>(null);
  const answer = useValues(
    values,
    search === null
      ? null
      : {
          column: filter.column,
          ...(filter.key === undefined ? {} : { key: filter.key }),
          filters: others,
          search,
        },
  );
  const variables = variablesLike(values.variables, search);
  return (
    <ValueSelect
      label={words.values(filter.column)}
      values={filter.values}
      suggestions={[...variables, ...(answer.value?.values ?? [])]}
      onSearch={setSearch}
      onChange={(chosen) => {
        onChange({ ...filter, values: chosen });
      }}
      loading={answer.loading}
      {...(answer.error === undefined ? {} : { emptyMessage: answer.error.message })}
    />
  );
}

function KeySelect({ filter, others, values, onChange }: PartProps): React.JSX.Element {
  const [open, setOpen] = useState(false);
  const answer = useValues(values, open ? { column: filter.column, filters: others, search: '' } : null);
  return (
    <Select<string>
      aria-label={words.key(filter.column)}
      placeholder={words.keyPlaceholder}
      options={(answer.value?.values ?? []).map(({ value }) => keyOption(value))}
      value={filter.key === undefined ? null : keyOption(filter.key)}
      onOpenMenu={() => {
        setOpen(true);
      }}
      onCloseMenu={() => {
        setOpen(false);
      }}
      onChange={({ value }) => {
        if (value !== undefined) onChange({ ...filter, key: value, values: [] });
      }}
      isLoading={answer.loading}
      loadingMessage={words.valuesLoading}
      noOptionsMessage={answer.error?.message ?? words.valuesEmpty}
      allowCustomValue
    />
  );
}

/** Keys come from events: they are shown so that nothing hides in them. */
function keyOption(key: string): { readonly value: string; readonly label: string } {
  return { value: key, label: printable(key) };
}

function variablesLike(names: readonly string[], search: string | null): readonly { readonly value: string }[] {
  if (search === null) return [];
  const wanted = search.toLowerCase();
  return names.filter((name) => name.toLowerCase().includes(wanted)).map((value) => ({ value }));
}
