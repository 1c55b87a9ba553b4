import { InlineField } from '@grafana/ui';
import React from 'react';
import { TextInput } from '../TextInput.js';

interface Props {
  readonly label: string;
  readonly hint?: string;
  readonly placeholder: string;
  readonly value: string;
  readonly width: number;
  readonly testId: string;
  readonly onChange: (value: string) => void;
}

/** One named text of a target; variables are texts, too. */
export function TargetField({ hint, ...input }: Props): React.JSX.Element {
  return (
    <InlineField label={input.label} {...(hint === undefined ? {} : { tooltip: hint })}>
      <TextInput {...input} />
    </InlineField>
  );
}
