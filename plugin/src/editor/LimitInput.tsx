import { Input } from '@grafana/ui';
import React, { useState } from 'react';
import { text } from '../text.js';
import { countText } from './format.js';

interface Props {
  readonly label: string;
  readonly value: number;
  readonly most: number;
  readonly onChange: (value: number) => void;
  readonly testId?: string;
}

/** A number between 1 and `most`, taken when it is left, or on Enter; beyond that it becomes the nearest that is allowed. */
export function LimitInput({ label, value, most, onChange, testId }: Props): React.JSX.Element {
  const [typed, setTyped] = useState<string | null>(null);
  const commit = (): void => {
    const rows = typed === null || typed.trim() === '' ? Number.NaN : Math.round(Number(typed));
    const allowed = Math.min(most, Math.max(1, rows));
    if (Number.isFinite(allowed) && allowed !== value) onChange(allowed);
    setTyped(null);
  };
  return (
    <Input
      type="number"
      aria-label={label}
      title={text.editor.builder.limitHint(countText(most))}
      min={1}
      max={most}
      value={typed ?? String(value)}
      width={14}
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
