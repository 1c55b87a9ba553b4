import { InlineField, Input } from '@grafana/ui';
import React, { useState } from 'react';

interface Props {
  readonly label: string;
  readonly hint?: string;
  readonly placeholder: string;
  readonly value: string;
  readonly width: number;
  readonly testId: string;
  readonly onChange: (value: string) => void;
}

/** One named text of a target, taken when it is left, or on Enter; variables are texts, too. */
export function TargetField({ label, hint, placeholder, value, width, testId, onChange }: Props): React.JSX.Element {
  const [typed, setTyped] = useState<string | null>(null);
  const commit = (): void => {
    if (typed !== null && typed.trim() !== value) onChange(typed.trim());
    setTyped(null);
  };
  return (
    <InlineField label={label} {...(hint === undefined ? {} : { tooltip: hint })}>
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
    </InlineField>
  );
}
