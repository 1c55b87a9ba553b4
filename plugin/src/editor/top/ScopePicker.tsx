import { Button, InlineField, Select, useStyles2 } from '@grafana/ui';
import React, { useState } from 'react';
import { printable } from '../../../shared/index.js';
import type { NodeInfo, Scope } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import { countText } from '../format.js';
import type { Loaded } from '../hooks/useLoaded.js';
import { editorStyles } from '../styles.js';
import { ValueSelect } from '../ValueSelect.js';
import { EVERY_NODE, isEveryNode, nodesInScope, suggestionsOf } from './scope.js';

const words = text.editor.scope;

interface Props {
  readonly scope: Scope;
  readonly onChange: (scope: Scope) => void;
  readonly nodes: Loaded<readonly NodeInfo[]>;
  /** `$name` of each dashboard variable. */
  readonly variables: readonly string[];
}

/** Which nodes are asked: by cluster, by name, by label. */
export function ScopePicker({ scope, onChange, nodes, variables }: Props): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  const known = nodes.latest ?? [];
  const matching = nodesInScope(known, scope);
  return (
    <div className={styles.panel} role="group" aria-label={words.label} data-testid={testIds.editor.scopePanel}>
      <div className={styles.row}>
        <NamesField
          label={words.clusters}
          placeholder={words.anyCluster}
          values={scope.clusters}
          onChange={(clusters) => {
            onChange({ ...scope, clusters });
          }}
          known={known.map(({ cluster }) => cluster)}
          variables={variables}
          loading={nodes.loading}
        />
        <NamesField
          label={words.nodes}
          placeholder={words.anyNode}
          values={scope.nodes}
          onChange={(names) => {
            onChange({ ...scope, nodes: names });
          }}
          known={known.map(({ name }) => name)}
          variables={variables}
          loading={nodes.loading}
        />
      </div>
      <LabelFields scope={scope} onChange={onChange} nodes={known} variables={variables} loading={nodes.loading} />
      <div className={styles.row}>
        {matching !== null && nodes.latest !== undefined && (
          <span className={styles.note} role="status">
            {words.matching(countText(matching))}
          </span>
        )}
        {nodes.error !== undefined && (
          <span className={styles.error} role="alert">
            {words.failed} {nodes.error.message}
          </span>
        )}
        {!isEveryNode(scope) && (
          <Button
            size="sm"
            variant="secondary"
            fill="text"
            onClick={() => {
              onChange(EVERY_NODE);
            }}
          >
            {words.clear}
          </Button>
        )}
      </div>
    </div>
  );
}

interface NamesProps {
  readonly label: string;
  readonly placeholder?: string;
  readonly values: readonly string[];
  readonly onChange: (values: readonly string[]) => void;
  readonly known: readonly string[];
  readonly variables: readonly string[];
  readonly loading: boolean;
}

function NamesField({
  label,
  placeholder,
  values,
  onChange,
  known,
  variables,
  loading,
}: NamesProps): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  const [search, setSearch] = useState<string | null>(null);
  const shown =
    search === null
      ? []
      : [
          ...variables.filter((name) => name.toLowerCase().includes(search.toLowerCase())).map((value) => ({ value })),
          ...suggestionsOf(known, search),
        ];
  return (
    <InlineField label={label}>
      <div className={styles.names}>
        <ValueSelect
          label={label}
          values={values}
          onChange={onChange}
          suggestions={shown}
          onSearch={setSearch}
          loading={loading}
          {...(placeholder === undefined ? {} : { placeholder })}
        />
      </div>
    </InlineField>
  );
}

interface LabelProps {
  readonly scope: Scope;
  readonly onChange: (scope: Scope) => void;
  readonly nodes: readonly NodeInfo[];
  readonly variables: readonly string[];
  readonly loading: boolean;
}

function LabelFields({ scope, onChange, nodes, variables, loading }: LabelProps): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  const keys = [...new Set(nodes.flatMap(({ labels }) => Object.keys(labels)))].sort();
  const free = keys.filter((key) => !(key in scope.labels));
  const without = (key: string): Scope => ({
    ...scope,
    labels: Object.fromEntries(Object.entries(scope.labels).filter(([name]) => name !== key)),
  });
  return (
    <div className={styles.row}>
      {Object.entries(scope.labels).map(([key, values]) => (
        <React.Fragment key={key}>
          <NamesField
            label={words.labelValues(key)}
            values={values}
            onChange={(chosen) => {
              onChange({ ...scope, labels: { ...scope.labels, [key]: chosen } });
            }}
            known={nodes.flatMap(({ labels }) => labels[key] ?? [])}
            variables={variables}
            loading={loading}
          />
          <Button
            icon="times"
            variant="secondary"
            fill="text"
            aria-label={words.removeLabel(key)}
            onClick={() => {
              onChange(without(key));
            }}
          />
        </React.Fragment>
      ))}
      <InlineField label={words.labels}>
        <Select<string>
          aria-label={words.labelKey}
          placeholder={words.addLabel}
          options={free.map((key) => ({ value: key, label: printable(key) }))}
          value={null}
          allowCustomValue
          isLoading={loading}
          width={24}
          onChange={({ value }) => {
            if (value !== undefined && value.trim() !== '') {
              onChange({ ...scope, labels: { ...scope.labels, [value.trim()]: scope.labels[value.trim()] ?? [] } });
            }
          }}
        />
      </InlineField>
    </div>
  );
}
