import { Input } from '@grafana/ui';
import React, { useState } from 'react';

interface Props {
  /** Accessible name. */
  readonly label: string;
  /** What stands there while it is empty; left out: the label. */
  readonly placeholder?: string;
  readonly value: string;
  readonly width?: number;
  readonly testId?: string;
  readonly onChange: (value: string) => void;
}

/** A line of text that is taken when it is left, or on Enter. */
export function TextInput({ label, placeholder = label, value, width, testId, onChange }: Props): React.JSX.Element {
  const [typed, setTyped] = useState<string | null>(null);
  const commit = (): void => {
    if (typed !== null && typed.trim() !== value) onChange(typed.trim());
    setTyped(null);
  };
  return (
    <Input
      aria-label={label}
      placeholder={placeholder}
      width={width}
      value={typed ?? value}
      onChange={(event) => {
        setTyped(event.currentTarget.value);
      }}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === 'Enter') commit();
      }}
      data-testid={testId}
    />
  );
}
