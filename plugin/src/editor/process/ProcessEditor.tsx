import { InlineField, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import React from 'react';
import { LIMITS } from '../../../shared/index.js';
import type { GraphKind, NodeInfo, ProcessQuery, TreeView } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import { LimitInput } from '../LimitInput.js';
import type { Loaded } from '../hooks/useLoaded.js';
import { editorStyles } from '../styles.js';
import { TargetPicker } from './TargetPicker.js';

const words = text.editor.process;
const views: readonly TreeView[] = ['table', 'waterfall'];
const graphs: readonly GraphKind[] = ['process', 'behaviour'];

interface Props {
  readonly type: 'tree' | 'graph';
  readonly query: ProcessQuery;
  readonly source: { readonly nodes: Loaded<readonly NodeInfo[]>; readonly variables: readonly string[] };
  readonly onChange: (query: ProcessQuery) => void;
  /** Runs the query as it is after a change of how it is shown. */
  readonly onRunQuery: () => void;
}

/** What a process tree or graph is drawn around, and how. What pods do is asked with the builder's filters. */
export function ProcessEditor({ type, query, source, onChange, onRunQuery }: Props): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  const showAs = (changes: Partial<ProcessQuery>): void => {
    onChange({ ...query, ...changes });
    onRunQuery();
  };
  const names = (source.nodes.latest ?? []).map(({ name }) => name);
  return (
    <div className={styles.root} data-testid={testIds.editor.process}>
      <div className={styles.row}>
        {type === 'tree' ? (
          <InlineField label={words.view} tooltip={words.viewHint}>
            <div data-testid={testIds.editor.processView}>
              <RadioButtonGroup<TreeView>
                aria-label={words.view}
                options={views.map((view) => ({ value: view, label: words.views[view] }))}
                value={query.view}
                onChange={(view) => {
                  showAs({ view });
                }}
              />
            </div>
          </InlineField>
        ) : (
          <>
            <InlineField label={words.graph}>
              <div data-testid={testIds.editor.processGraph}>
                <RadioButtonGroup<GraphKind>
                  aria-label={words.graph}
                  options={graphs.map((graph) => ({ value: graph, label: words.graphs[graph] }))}
                  value={query.graph}
                  onChange={(graph) => {
                    showAs({ graph });
                  }}
                />
              </div>
            </InlineField>
            <InlineField label={words.nodeLimit}>
              <LimitInput
                label={words.nodeLimit}
                value={query.nodeLimit}
                most={LIMITS.graph.most}
                onChange={(nodeLimit) => {
                  showAs({ nodeLimit });
                }}
                testId={testIds.editor.processLimit}
              />
            </InlineField>
          </>
        )}
      </div>
      {(type === 'tree' || query.graph === 'process') && (
        <TargetPicker
          target={query.target}
          nodes={[...source.variables, ...names]}
          loading={source.nodes.loading}
          onChange={(target) => {
            onChange({ ...query, target });
          }}
        />
      )}
    </div>
  );
}
