import { Field, Input } from '@grafana/ui';
import React, { useState } from 'react';
import { text } from '../text.js';
import { wholeNumber } from './settings.js';

interface Props {
  readonly id: string;
  readonly label: string;
  readonly description: string;
  readonly suffix: string;
  readonly placeholder: string;
  readonly least: number;
  readonly value: number | undefined;
  readonly disabled: boolean;
  readonly onChange: (value: number | undefined) => void;
}

/** A whole number that may be left out; what is no number is shown as wrong and not passed on. */
export function NumberField(props: Props): React.JSX.Element {
  const { id, label, description, suffix, placeholder, least, value, disabled, onChange } = props;
  const [wrong, setWrong] = useState<string | null>(null);
  return (
    <Field
      label={label}
      description={description}
      {...(wrong === null ? {} : { invalid: true, error: text.config.wholeNumber(least) })}
    >
      <Input
        id={id}
        data-testid={id}
        width={20}
        inputMode="numeric"
        suffix={suffix}
        placeholder={placeholder}
        disabled={disabled}
        value={wrong ?? (value === undefined ? '' : String(value))}
        onChange={(event) => {
          const typed = event.currentTarget.value;
          const parsed = wholeNumber(typed, least);
          setWrong(parsed === null ? typed : null);
          if (parsed !== null) onChange(parsed);
        }}
      />
    </Field>
  );
}
