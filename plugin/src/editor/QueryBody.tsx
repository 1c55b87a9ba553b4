import { CoreApp } from '@grafana/data';
import React from 'react';
import type { ArmorlakeModel, ErrorBody, ExplainAnswer } from '../../shared/index.js';
import { Builder } from './builder/Builder.js';
import { holdsBehaviour, withTable } from './builder/builder.js';
import { FilterRows } from './builder/FilterRows.js';
import { TableRow } from './builder/TableRow.js';
import type { EditorSource } from './hooks/useEditorSource.js';
import type { Explained } from './hooks/useExplain.js';
import { builtSql } from './queryState.js';
import { ProcessEditor } from './process/index.js';
import { SqlEditor } from './sql/SqlEditor.js';

interface Props {
  readonly model: ArmorlakeModel;
  readonly source: EditorSource;
  readonly explained: Explained;
  readonly app: CoreApp | undefined;
  readonly onChange: (changes: Partial<ArmorlakeModel>) => void;
  readonly onRun: () => void;
}

/** What is asked: the builder, SQL, or the event a tree or graph is drawn around. */
export function QueryBody({ model, source, explained, app, onChange, onRun }: Props): React.JSX.Element {
  const { tables, catalog, values, variables } = source;
  const { queryType } = model;
  if (queryType === 'tree' || queryType === 'graph') {
    return (
      <>
        <ProcessEditor
          type={queryType}
          query={model.process}
          source={source}
          onChange={(process) => {
            onChange({ process });
          }}
          onRunQuery={onRun}
        />
        {queryType === 'graph' && model.process.graph === 'behaviour' && (
          <Selection model={model} source={source} onChange={onChange} />
        )}
      </>
    );
  }
  // Annotations have an editor of their own; here one shows what it asks for.
  if (queryType === 'annotations') return <Selection model={model} source={source} onChange={onChange} />;
  if (model.editor === 'sql') {
    const { answer } = explained;
    return (
      <SqlEditor
        sql={model.sql}
        problem={problemOf(answer.value, source)}
        checking={answer.loading}
        completion={{
          catalog: catalog.latest,
          variables,
          values: async (table, column, search) => {
            const found = await values.load({ table, column, filters: [], search }, AbortSignal.timeout(5_000));
            return found.values;
          },
        }}
        onChange={(sql) => {
          onChange({ sql });
        }}
        onRun={onRun}
      />
    );
  }
  return (
    <Builder
      type={model.queryType}
      query={model.builder}
      tables={tables}
      tablesError={catalog.error?.message ?? null}
      values={values}
      preview={builtSql(model)}
      folded={app === CoreApp.Explore || queryType === 'logs'}
      onChange={(builder) => {
        onChange({ builder });
      }}
    />
  );
}

/** Which rows, when what becomes of them is settled. */
function Selection({ model, source, onChange }: Pick<Props, 'model' | 'source' | 'onChange'>): React.JSX.Element {
  const { builder } = model;
  const { tables, catalog, values } = source;
  return (
    <>
      <TableRow
        tables={tables.filter(holdsBehaviour)}
        value={builder.table}
        problem={catalog.error?.message ?? null}
        onChange={(name) => {
          onChange({ builder: withTable(builder, tables, name) });
        }}
      />
      <FilterRows
        columns={tables.find(({ name }) => name === builder.table)?.columns ?? []}
        filters={builder.filters}
        values={values}
        onChange={(filters) => {
          onChange({ builder: { ...builder, filters } });
        }}
      />
    </>
  );
}

/** What the node says is wrong, where it is in the SQL as written; undefined: it said nothing. */
function problemOf(answer: ExplainAnswer | undefined, source: EditorSource): ErrorBody | null | undefined {
  if (answer === undefined) return undefined;
  if (!('error' in answer)) return null;
  const { error } = answer;
  return error.position === undefined ? error : { ...error, position: source.writtenPosition(error.position) };
}
