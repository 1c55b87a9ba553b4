import { InlineField, RadioButtonGroup, Select, useStyles2 } from '@grafana/ui';
import React from 'react';
import { isBlankTarget, printable } from '../../../shared/index.js';
import type { ProcessTarget } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import { editorStyles } from '../styles.js';
import { shownTarget, targetBy } from './target.js';
import type { TargetKind } from './target.js';
import { TargetField } from './TargetField.js';

const words = text.editor.process;
const kinds: readonly TargetKind[] = ['event', 'pid'];

interface Props {
  readonly target: ProcessTarget | null;
  /** Names of the nodes that are known, and variables. */
  readonly nodes: readonly string[];
  readonly loading: boolean;
  readonly onChange: (target: ProcessTarget) => void;
}

/** The process that a tree or graph is drawn around: that of an event, or of a PID at a time. */
export function TargetPicker({ target, nodes, loading, onChange }: Props): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  const shown = shownTarget(target);
  return (
    <div className={styles.row} data-testid={testIds.editor.processTarget}>
      <InlineField label={words.around}>
        <RadioButtonGroup<TargetKind>
          aria-label={words.around}
          options={kinds.map((kind) => ({ value: kind, label: words.targets[kind] }))}
          value={shown.by}
          onChange={(kind) => {
            onChange(targetBy(kind, target));
          }}
        />
      </InlineField>
      <InlineField label={words.node} tooltip={words.nodeHint}>
        <div data-testid={testIds.editor.processNode}>
          <Select<string>
            aria-label={words.node}
            options={nodes.map((name) => ({ value: name, label: printable(name) }))}
            value={shown.node === '' ? null : { value: shown.node, label: printable(shown.node) }}
            placeholder={words.node}
            allowCustomValue
            isLoading={loading}
            width={24}
            onChange={({ value }) => {
              if (value !== undefined) onChange({ ...shown, node: value.trim() });
            }}
          />
        </div>
      </InlineField>
      {shown.by === 'event' ? (
        <TargetField
          label={words.seq}
          placeholder={words.seqPlaceholder}
          value={shown.seq}
          width={20}
          testId={testIds.editor.processSeq}
          onChange={(seq) => {
            onChange({ ...shown, seq });
          }}
        />
      ) : (
        <PidFields target={shown} onChange={onChange} />
      )}
      {isBlankTarget(target) && <span className={styles.note}>{words.unchosen}</span>}
    </div>
  );
}

interface PidProps {
  readonly target: Extract<ProcessTarget, { by: 'pid' }>;
  readonly onChange: (target: ProcessTarget) => void;
}

function PidFields({ target, onChange }: PidProps): React.JSX.Element {
  return (
    <>
      <TargetField
        label={words.pid}
        placeholder={words.pidPlaceholder}
        value={target.pid}
        width={16}
        testId={testIds.editor.processPid}
        onChange={(pid) => {
          onChange({ ...target, pid });
        }}
      />
      <TargetField
        label={words.host}
        hint={words.hostHint}
        placeholder={words.hostPlaceholder}
        value={target.host}
        width={26}
        testId={testIds.editor.processHost}
        onChange={(host) => {
          onChange({ ...target, host });
        }}
      />
      <TargetField
        label={words.time}
        hint={words.timeHint}
        placeholder={words.timePlaceholder}
        value={target.time}
        width={32}
        testId={testIds.editor.processTime}
        onChange={(time) => {
          onChange({ ...target, time });
        }}
      />
    </>
  );
}
