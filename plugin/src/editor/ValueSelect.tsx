import type { SelectableValue } from '@grafana/data';
import { MultiSelect, useStyles2 } from '@grafana/ui';
import React, { useMemo } from 'react';
import type { ReactNode } from 'react';
import { text } from '../text.js';
import { countText } from './format.js';
import { valueSelectStyles } from './styles.js';
import { printable } from '../../shared/index.js';

export interface Suggestion {
  readonly value: string;
  readonly count?: number;
  readonly description?: string;
}

interface Props {
  /** Accessible name. */
  readonly label: string;
  readonly values: readonly string[];
  readonly onChange: (values: readonly string[]) => void;
  readonly suggestions: readonly Suggestion[];
  /** Told '' when the menu opens, then what is typed; null when it closes. */
  readonly onSearch: (search: string | null) => void;
  readonly loading?: boolean;
  /** Shown when there is nothing to choose. */
  readonly emptyMessage?: string;
  readonly placeholder?: string;
  readonly disabled?: boolean;
}

/** Several values of anything: chosen from suggestions with their counts, or typed. */
export function ValueSelect(props: Props): React.JSX.Element {
  const { label, values, onChange, suggestions, onSearch, loading, emptyMessage, placeholder, disabled } = props;
  const styles = useStyles2(valueSelectStyles);
  const options = useMemo(() => suggestions.map(optionOf), [suggestions]);
  const chosen = useMemo(() => values.map((value) => ({ value, label: printable(value) })), [values]);
  const optionLabel = (option: SelectableValue<string>, { context }: { context: string }): ReactNode =>
    context === 'menu' && typeof option['count'] === 'number' ? (
      <span className={styles.option}>
        <span className={styles.value}>{option.label}</span>
        <span className={styles.count}>{countText(option['count'])}</span>
      </span>
    ) : (
      option.label
    );
  return (
    <MultiSelect<string>
      aria-label={label}
      value={chosen}
      options={options}
      onChange={(items: SelectableValue<string>[]) => {
        onChange(items.flatMap(({ value }) => (value === undefined ? [] : [value])));
      }}
      onOpenMenu={() => {
        onSearch('');
      }}
      onCloseMenu={() => {
        onSearch(null);
      }}
      onInputChange={(typed, { action }) => {
        if (action === 'input-change') onSearch(typed);
      }}
      // What is searched for has been looked for already.
      filterOption={() => true}
      formatOptionLabel={optionLabel}
      allowCustomValue
      allowCreateWhileLoading
      formatCreateLabel={(typed) => text.editor.builder.custom(printable(typed))}
      closeMenuOnSelect={false}
      isLoading={loading ?? false}
      loadingMessage={text.editor.builder.valuesLoading}
      noOptionsMessage={emptyMessage ?? text.editor.builder.valuesEmpty}
      placeholder={placeholder ?? text.editor.builder.valuesPlaceholder}
      disabled={disabled ?? false}
    />
  );
}

function optionOf({ value, count, description }: Suggestion): SelectableValue<string> {
  return {
    value,
    label: printable(value),
    ...(count === undefined ? {} : { count }),
    ...(description === undefined ? {} : { description }),
  };
}
