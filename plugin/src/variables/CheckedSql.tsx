import type { TimeRange } from '@grafana/data';
import React from 'react';
import type { ArmorlakeModel } from '../../shared/index.js';
import type { ArmorlakeDataSource } from '../datasource.js';
import type { EditorSource } from '../editor/hooks/useEditorSource.js';
import { rangeKey } from '../editor/hooks/useEditorSource.js';
import { useExplain } from '../editor/hooks/useExplain.js';
import { SqlEditor } from '../editor/sql/SqlEditor.js';

interface Props {
  readonly datasource: ArmorlakeDataSource;
  readonly model: ArmorlakeModel;
  readonly source: EditorSource;
  readonly range: TimeRange;
  readonly onChange: (sql: string) => void;
}

/** SQL of a variable or an annotation, completed and judged by the node as that of a panel. */
export function CheckedSql({ datasource, model, source, range, onChange }: Props): React.JSX.Element {
  const { catalog, variables, values, filled } = source;
  const fromMs = range.from.valueOf();
  const toMs = range.to.valueOf();
  const context = { fromMs, toMs, intervalMs: 60_000, maxDataPoints: 1_000 };
  const asked = filled === null || model.sql.trim() === '' ? null : filled;
  const { answer } = useExplain(datasource, asked, context, rangeKey(range));
  const said = answer.value !== undefined && 'error' in answer.value ? answer.value.error : null;
  const problem = said?.position === undefined ? said : { ...said, position: source.writtenPosition(said.position) };
  return (
    <SqlEditor
      sql={model.sql}
      problem={problem}
      checking={answer.loading}
      completion={{
        catalog: catalog.latest,
        variables,
        values: async (table, column, search) => {
          const wanted = { table, column, filters: [], search };
          return (await values.load(wanted, AbortSignal.timeout(5_000))).values;
        },
      }}
      onChange={onChange}
      // Grafana asks variables and annotations by itself.
      onRun={() => undefined}
    />
  );
}
