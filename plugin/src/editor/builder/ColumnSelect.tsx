import type { SelectableValue } from '@grafana/data';
import { Select } from '@grafana/ui';
import React, { useMemo } from 'react';
import { printable } from '../../../shared/index.js';
import type { CatalogColumn } from '../../../shared/index.js';
import { described } from './groups.js';

interface Props {
  readonly label: string;
  readonly columns: readonly CatalogColumn[];
  readonly value: string | null;
  readonly onChange: (column: string) => void;
  readonly placeholder?: string;
  /** Names that are no columns but fit here all the same (aliases, the bucket). */
  readonly more?: readonly string[];
}

/** One column, with its type and what it means. A name the catalog doesn't know stays as it is. */
export function ColumnSelect({ label, columns, value, onChange, placeholder, more }: Props): React.JSX.Element {
  const options = useMemo(
    () => [...(more ?? []).map((name) => ({ value: name, label: printable(name) })), ...columns.map(columnOption)],
    [columns, more],
  );
  return (
    <Select<string>
      aria-label={label}
      options={options}
      value={
        value === null ? null : (options.find((option) => option.value === value) ?? { value, label: printable(value) })
      }
      onChange={(option: SelectableValue<string>) => {
        if (option.value !== undefined) onChange(option.value);
      }}
      placeholder={placeholder ?? label}
      allowCustomValue
      width="auto"
    />
  );
}

export function columnOption(column: CatalogColumn): SelectableValue<string> {
  return { value: column.name, label: column.name, description: described(column) };
}
