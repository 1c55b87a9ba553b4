import { getDefaultTimeRange } from '@grafana/data';
import type { QueryEditorProps, TimeRange } from '@grafana/data';
import { Alert, Button, InlineField, Select, useStyles2 } from '@grafana/ui';
import React from 'react';
import { annotationKinds, annotationTable, defaultBuilder, defaultQuery, limitsOf } from '../../shared/index.js';
import type { AnnotationKind, ArmorlakeModel } from '../../shared/index.js';
import type { ArmorlakeDataSource } from '../datasource.js';
import { FilterRows } from '../editor/builder/FilterRows.js';
import { useEditorSource } from '../editor/hooks/useEditorSource.js';
import { LimitInput } from '../editor/LimitInput.js';
import { readQuery } from '../editor/queryState.js';
import { editorStyles } from '../editor/styles.js';
import { ScopePicker } from '../editor/top/ScopePicker.js';
import { testIds } from '../testIds.js';
import { text } from '../text.js';
import type { ArmorlakeOptions, ArmorlakeQuery } from '../types.js';
import { CheckedSql } from '../variables/CheckedSql.js';
import { annotationTarget } from './target.js';

const words = text.annotations;

type Props = QueryEditorProps<ArmorlakeDataSource, ArmorlakeQuery, ArmorlakeOptions>;

/** The editor of a dashboard's annotation. Opening it changes nothing in what is saved. */
export function AnnotationEditor(props: Props): React.JSX.Element {
  const { datasource, query: saved, onChange } = props;
  const query = annotationTarget(saved, datasource.defaultTable);
  const read = readQuery(query, datasource.defaultTable);
  if ('model' in read) {
    return <KnownAnnotation {...props} query={query} model={read.model} range={props.range ?? getDefaultTimeRange()} />;
  }
  return (
    <Alert title={read.problem} severity="warning">
      <p>{read.hint}</p>
      <Button
        size="sm"
        variant="secondary"
        onClick={() => {
          onChange({ refId: query.refId, ...defaultQuery('annotations') });
        }}
      >
        {text.editor.startAnew}
      </Button>
    </Alert>
  );
}

interface KnownProps extends Props {
  readonly model: ArmorlakeModel;
  readonly range: TimeRange;
}

function KnownAnnotation({ datasource, query, model, range, data, onChange }: KnownProps): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  const table = annotationTable(model.annotation);
  // Filters and their values are those of the table that the annotations come from.
  const shown = table === null ? model : { ...model, builder: { ...model.builder, table } };
  const source = useEditorSource({
    datasource,
    query,
    model: shown,
    range,
    scopedVars: data?.request?.scopedVars,
    adHocFilters: undefined,
  });
  const change = (changes: Partial<ArmorlakeModel>): void => {
    onChange({ ...query, ...model, ...changes });
  };
  const { tables, catalog, nodes, variables, values } = source;
  const firings = annotationTable('firings');
  const hasFirings = tables.some(({ name }) => name === firings);
  // What is saved stays choosable: choosing it away is the user's decision.
  const kinds = annotationKinds.filter((kind) => kind !== 'firings' || hasFirings || model.annotation === kind);
  return (
    <div className={styles.root} data-testid={testIds.annotations.root}>
      <InlineField label={words.kind} labelWidth={16} data-testid={testIds.annotations.kind}>
        <Select<AnnotationKind>
          aria-label={words.kind}
          width={40}
          options={kinds.map((value) => ({ value, ...words.kinds[value] }))}
          value={model.annotation}
          onChange={({ value }) => {
            if (value !== undefined) change(withKind(model, value));
          }}
        />
      </InlineField>
      {model.annotation === 'firings' && catalog.latest !== undefined && !hasFirings && (
        <span className={styles.error} role="alert">
          {words.noFirings}
        </span>
      )}
      <ScopePicker
        scope={model.scope}
        nodes={nodes}
        variables={variables}
        onChange={(scope) => {
          change({ scope });
        }}
      />
      {table === null ? (
        <CheckedSql
          datasource={datasource}
          model={model}
          source={source}
          range={range}
          onChange={(sql) => {
            change({ sql });
          }}
        />
      ) : (
        <FilterRows
          columns={tables.find(({ name }) => name === table)?.columns ?? []}
          filters={model.builder.filters}
          values={values}
          onChange={(filters) => {
            change({ builder: { ...model.builder, table, filters } });
          }}
        />
      )}
      <InlineField label={words.limit} labelWidth={16}>
        <LimitInput
          label={words.limit}
          value={table === null ? model.sqlLimit : model.builder.limit}
          most={limitsOf('annotations').most}
          onChange={(limit) => {
            change(table === null ? { sqlLimit: limit } : { builder: { ...model.builder, limit } });
          }}
        />
      </InlineField>
    </div>
  );
}

/** Another kind reads another table, whose columns may not be those of the filters. */
function withKind(model: ArmorlakeModel, annotation: AnnotationKind): Partial<ArmorlakeModel> {
  const table = annotationTable(annotation);
  if (table === null || table === model.builder.table) return { annotation };
  return { annotation, builder: { ...defaultBuilder(table, 'annotations'), limit: model.builder.limit } };
}
