import type { TimeRange } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import { lastValueFrom } from 'rxjs';
import React, { useState } from 'react';
import type { ArmorlakeModel, NodeCoverage, QueryContext } from '../../shared/index.js';
import { testIds } from '../testIds.js';
import { withType } from './builder/builder.js';
import { Footer } from './footer/Footer.js';
import { outcomeOf } from './footer/summary.js';
import { useEditorSource, rangeKey } from './hooks/useEditorSource.js';
import { useExplain } from './hooks/useExplain.js';
import { OptionsRow } from './OptionsRow.js';
import { QueryBody } from './QueryBody.js';
import type { EditorProps } from './QueryEditor.js';
import { isAskable } from './queryState.js';
import { editorStyles } from './styles.js';
import { ScopePicker } from './top/ScopePicker.js';
import { TopRow } from './top/TopRow.js';
import { useGuardedRun } from './top/useGuardedRun.js';
import { useReplacing } from './useReplacing.js';

interface Props extends EditorProps {
  readonly range: TimeRange;
  readonly model: ArmorlakeModel;
}

/** The editor of a query that can be read. */
export function ModelEditor({
  datasource,
  query,
  model,
  range,
  data,
  app,
  onChange,
  onRunQuery,
}: Props): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  const [scopeOpen, setScopeOpen] = useState(false);
  const request = data?.request;
  const source = useEditorSource({
    datasource,
    query,
    model,
    range,
    scopedVars: request?.scopedVars,
    adHocFilters: request?.filters,
  });
  const context = contextOf(range, request);
  const { filled } = source;
  const explained = useExplain(
    datasource,
    filled !== null && isAskable(filled) ? filled : null,
    context,
    rangeKey(range),
  );
  const guarded = useGuardedRun(explained.key, explained.estimate, onRunQuery, explained.answer.hurry);
  const change = (changes: Partial<ArmorlakeModel>): void => {
    onChange({ ...query, ...model, ...changes });
  };
  const replacing = useReplacing(model, change);
  const outcome = outcomeOf(data?.series ?? [], query.refId);
  const retry = async (nodes: readonly string[]): Promise<readonly NodeCoverage[]> => {
    if (request === undefined) return [];
    const target = { ...query, ...model, scope: { ...model.scope, nodes } };
    const answer = await lastValueFrom(
      datasource.query({ ...request, requestId: `${request.requestId} retry`, targets: [target] }),
    );
    if (answer.errors?.[0] !== undefined) throw answer.errors[0];
    return outcomeOf(answer.data, query.refId)?.custom.coverage.nodes ?? [];
  };
  return (
    <div
      className={styles.root}
      data-testid={testIds.editor.root}
      onKeyDown={(event) => {
        // Within SQL the editor does this itself: it first tells what was typed last.
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) guarded.run();
      }}
    >
      <TopRow
        model={model}
        estimate={explained.estimate}
        guarded={guarded}
        scopeOpen={scopeOpen}
        onScopeOpen={setScopeOpen}
        onType={(type) => {
          change(withType(model, type));
        }}
        onMode={replacing.onMode}
        onRecipe={replacing.onRecipe}
      />
      {scopeOpen && (
        <ScopePicker
          scope={model.scope}
          nodes={source.nodes}
          variables={source.variables}
          onChange={(scope) => {
            change({ scope });
          }}
        />
      )}
      <QueryBody model={model} source={source} explained={explained} app={app} onChange={change} onRun={guarded.run} />
      <OptionsRow model={model} app={app} onChange={change} />
      {outcome !== null && (
        <Footer
          outcome={outcome}
          source={{ model: filled ?? model, explain: explained.answer, retry, onRun: onRunQuery }}
        />
      )}
      {replacing.dialog}
    </div>
  );
}

/** As the panel would ask; before its first run, as a panel of usual width. */
function contextOf(
  range: TimeRange,
  request: { readonly intervalMs: number; readonly maxDataPoints?: number | undefined } | undefined,
): QueryContext {
  const fromMs = range.from.valueOf();
  const toMs = range.to.valueOf();
  const maxDataPoints = request?.maxDataPoints ?? 1_000;
  return {
    fromMs,
    toMs,
    maxDataPoints,
    intervalMs: request?.intervalMs ?? Math.max(1, (toMs - fromMs) / maxDataPoints),
  };
}
