import { CoreApp } from '@grafana/data';
import type { SelectableValue } from '@grafana/data';
import { Button, InlineField, InlineSwitch, Select, useStyles2 } from '@grafana/ui';
import React, { useState } from 'react';
import { limitsOf } from '../../shared/index.js';
import type { AlertCoverage, ArmorlakeModel } from '../../shared/index.js';
import { testIds } from '../testIds.js';
import { text } from '../text.js';
import { LimitInput } from './LimitInput.js';
import { alertChoiceOf, alertCoverageFor, optionsText } from './options.js';
import type { AlertChoice } from './options.js';
import { editorStyles } from './styles.js';

const words = text.editor.options;
const alertChoices: readonly SelectableValue<AlertChoice>[] = [
  { value: 'fail', label: words.alertChoices.fail },
  { value: 'failGaps', label: words.alertChoices.failGaps },
  { value: 'atLeast', label: words.alertChoices.atLeast },
  { value: 'ignore', label: words.alertChoices.ignore },
];
type Partial = 'source' | 'warn' | 'fail' | 'ignore';
const partialChoices: readonly SelectableValue<Partial>[] = [
  { value: 'source', label: words.partialChoices.source },
  { value: 'warn', label: words.partialChoices.warn },
  { value: 'fail', label: words.partialChoices.fail },
  { value: 'ignore', label: words.partialChoices.ignore },
];

interface Props {
  readonly model: ArmorlakeModel;
  readonly app: CoreApp | string | undefined;
  readonly onChange: (changes: {
    readonly perNode?: boolean;
    readonly partial?: ArmorlakeModel['partial'];
    readonly sqlLimit?: number;
    readonly live?: boolean;
    readonly alertCoverage?: AlertCoverage;
  }) => void;
}

/** What is rarely changed; closed, it says what is set. In an alert rule it is open. */
export function OptionsRow({ model, app, onChange }: Props): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  const [open, setOpen] = useState(app === CoreApp.UnifiedAlerting || app === CoreApp.CloudAlerting);
  const summary = optionsText(model);
  return (
    <div data-testid={testIds.editor.options}>
      <Button
        size="sm"
        variant="secondary"
        fill="text"
        icon={open ? 'angle-down' : 'angle-right'}
        aria-expanded={open}
        onClick={() => {
          setOpen(!open);
        }}
      >
        {words.title}
        {!open && summary !== '' ? `: ${summary}` : ''}
      </Button>
      {open && (
        <div className={styles.panel}>
          <div className={styles.row}>
            <InlineField label={words.partial}>
              <Select<Partial>
                aria-label={words.partial}
                options={[...partialChoices]}
                value={model.partial ?? 'source'}
                width={28}
                onChange={({ value }) => {
                  onChange({ partial: value === undefined || value === 'source' ? null : value });
                }}
              />
            </InlineField>
            <InlineField label={words.perNode} tooltip={words.perNodeHint}>
              <InlineSwitch
                aria-label={words.perNode}
                value={model.perNode}
                onChange={(event) => {
                  onChange({ perNode: event.currentTarget.checked });
                }}
              />
            </InlineField>
            {model.queryType === 'logs' && model.editor === 'builder' && (
              <InlineField label={words.live} tooltip={words.liveHint}>
                <InlineSwitch
                  aria-label={words.live}
                  value={model.live === true}
                  onChange={(event) => {
                    onChange({ live: event.currentTarget.checked });
                  }}
                />
              </InlineField>
            )}
            {model.editor === 'sql' && (
              <InlineField label={text.editor.sql.limit}>
                <LimitInput
                  label={text.editor.sql.limit}
                  value={model.sqlLimit}
                  most={limitsOf(model.queryType).most}
                  onChange={(sqlLimit) => {
                    onChange({ sqlLimit });
                  }}
                />
              </InlineField>
            )}
          </div>
          <AlertFields
            coverage={model.alertCoverage}
            onChange={(alertCoverage) => {
              onChange({ alertCoverage });
            }}
          />
        </div>
      )}
    </div>
  );
}

interface AlertProps {
  readonly coverage: AlertCoverage;
  readonly onChange: (coverage: AlertCoverage) => void;
}

function AlertFields({ coverage, onChange }: AlertProps): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  return (
    <div className={styles.row}>
      <InlineField label={words.alert} tooltip={words.alertHint}>
        <Select<AlertChoice>
          aria-label={words.alert}
          options={[...alertChoices]}
          value={alertChoiceOf(coverage)}
          width={44}
          onChange={({ value }) => {
            if (value !== undefined) onChange(alertCoverageFor(value));
          }}
        />
      </InlineField>
      {coverage.mode === 'atLeast' && (
        <InlineField label={words.percent}>
          <LimitInput
            label={words.percent}
            value={coverage.percent}
            most={100}
            onChange={(percent) => {
              onChange({ mode: 'atLeast', percent });
            }}
          />
        </InlineField>
      )}
    </div>
  );
}
