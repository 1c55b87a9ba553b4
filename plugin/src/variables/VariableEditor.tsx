import { getDefaultTimeRange } from '@grafana/data';
import type { QueryEditorProps, TimeRange } from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';
import { Alert, Button, InlineField, Select, useStyles2 } from '@grafana/ui';
import React from 'react';
import { MAX_VALUES, QueryError, columnKind, variablesIn } from '../../shared/index.js';
import type { CatalogTable } from '../../shared/index.js';
import { dashboardVariables } from '../dashboardVariables.js';
import type { ArmorlakeDataSource } from '../datasource.js';
import { ColumnSelect } from '../editor/builder/ColumnSelect.js';
import { FilterRows } from '../editor/builder/FilterRows.js';
import { countText } from '../editor/format.js';
import { rangeKey, useEditorSource } from '../editor/hooks/useEditorSource.js';
import { useLoaded } from '../editor/hooks/useLoaded.js';
import { LimitInput } from '../editor/LimitInput.js';
import { editorStyles } from '../editor/styles.js';
import { TextInput } from '../editor/TextInput.js';
import { ScopePicker } from '../editor/top/ScopePicker.js';
import { testIds } from '../testIds.js';
import { text } from '../text.js';
import type { ArmorlakeOptions, ArmorlakeQuery } from '../types.js';
import { CheckedSql } from './CheckedSql.js';
import type { VariableKind, VariableQuery } from './query.js';
import { defaultVariable, isComplete, lookedUp, readVariable, variableKinds, variableModel } from './query.js';
import { lookUp, lookUpError } from './values.js';

const words = text.variables;
/** Pause after the last change before values are looked up, ms. */
const LOOKED_UP_AFTER_MS = 500;

type Props = QueryEditorProps<ArmorlakeDataSource, ArmorlakeQuery, ArmorlakeOptions, VariableQuery>;

/** The editor of a dashboard's variable. Opening it changes nothing in what is saved. */
export function VariableEditor(props: Props): React.JSX.Element {
  const { datasource, query: saved, onChange } = props;
  const read = readSaved(saved, datasource.defaultTable);
  if ('kind' in read) return <KnownVariable {...props} query={read} range={props.range ?? getDefaultTimeRange()} />;
  return (
    <Alert title={read.message} severity="warning">
      <p>{read.hint}</p>
      <Button
        size="sm"
        variant="secondary"
        onClick={() => {
          onChange(defaultVariable(datasource.defaultTable));
        }}
      >
        {words.startAnew}
      </Button>
    </Alert>
  );
}

function readSaved(saved: unknown, defaultTable: string | undefined): VariableQuery | QueryError {
  try {
    return readVariable(saved, defaultTable);
  } catch (thrown) {
    if (thrown instanceof QueryError) return thrown;
    throw thrown;
  }
}

function KnownVariable({
  datasource,
  query,
  range,
  onChange,
}: Props & { readonly range: TimeRange }): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  const model = variableModel(query);
  const source = useEditorSource({
    datasource,
    query: { refId: query.refId, ...model },
    model,
    range,
    scopedVars: undefined,
    adHocFilters: undefined,
  });
  const change = (changes: Partial<VariableQuery>): void => {
    onChange({ ...query, ...changes });
  };
  const place = lookedUp(query);
  const { tables, nodes, variables, values } = source;
  return (
    <div className={styles.root} data-testid={testIds.variables.root}>
      <InlineField label={words.kind} labelWidth={16} data-testid={testIds.variables.kind}>
        <Select<VariableKind>
          aria-label={words.kind}
          width={40}
          options={variableKinds.map((value) => ({ value, ...words.kinds[value] }))}
          value={query.kind}
          onChange={({ value }) => {
            if (value !== undefined) change({ kind: value });
          }}
        />
      </InlineField>
      {query.kind === 'values' && <Field query={query} tables={tables} onChange={change} />}
      {query.kind === 'sql' ? (
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
        <ScopePicker
          scope={query.scope}
          nodes={nodes}
          variables={variables}
          onChange={(scope) => {
            change({ scope });
          }}
        />
      )}
      {place !== null && (
        <FilterRows
          columns={tables.find(({ name }) => name === place.table)?.columns ?? []}
          filters={query.filters}
          values={values}
          onChange={(filters) => {
            change({ filters });
          }}
        />
      )}
      <div className={styles.row}>
        <InlineField label={words.limit} labelWidth={16}>
          <LimitInput
            label={words.limit}
            value={query.limit}
            most={MAX_VALUES}
            onChange={(limit) => {
              change({ limit });
            }}
          />
        </InlineField>
        <Found datasource={datasource} query={query} range={range} filled={JSON.stringify(source.filled)} />
      </div>
      <span className={styles.note}>{words.multiHint}</span>
    </div>
  );
}

interface PartProps {
  readonly query: VariableQuery;
  readonly onChange: (changes: Partial<VariableQuery>) => void;
}

/** Whose values: a table, its column, a key of it. */
function Field({
  query,
  tables,
  onChange,
}: PartProps & { readonly tables: readonly CatalogTable[] }): React.JSX.Element {
  const columns = tables.find(({ name }) => name === query.table)?.columns ?? [];
  const column = columns.find(({ name }) => name === query.column);
  return (
    <>
      <InlineField label={words.table} labelWidth={16}>
        <Select<string>
          aria-label={words.table}
          width={40}
          options={tables.map(({ name, description }) => ({ value: name, label: name, description }))}
          value={{ value: query.table, label: query.table }}
          allowCustomValue
          onChange={({ value }) => {
            if (value !== undefined) onChange({ table: value });
          }}
        />
      </InlineField>
      <InlineField label={words.column} labelWidth={16} data-testid={testIds.variables.column}>
        <ColumnSelect
          label={words.column}
          columns={columns}
          value={query.column === '' ? null : query.column}
          onChange={(name) => {
            onChange({ column: name, key: '' });
          }}
        />
      </InlineField>
      {(query.key !== '' || (column !== undefined && columnKind(column) === 'map')) && (
        <InlineField label={words.key} labelWidth={16} tooltip={words.keyHint}>
          <TextInput
            label={words.key}
            value={query.key}
            onChange={(key) => {
              onChange({ key });
            }}
          />
        </InlineField>
      )}
    </>
  );
}

/** How many values there are; Grafana shows them itself, but not that there would be more. */
function Found(props: {
  readonly datasource: ArmorlakeDataSource;
  readonly query: VariableQuery;
  readonly range: TimeRange;
  /** The query with the values that other variables have now: other values, other answers. */
  readonly filled: string;
}): React.JSX.Element {
  const { datasource, query, range, filled } = props;
  const styles = useStyles2(editorStyles);
  const key = isComplete(query) ? JSON.stringify([datasource.uid, query, filled, rangeKey(range)]) : null;
  const found = useLoaded(
    key,
    async () => {
      const request = {
        requestId: `variable-editor-${datasource.uid}`,
        interval: '1m',
        intervalMs: 60_000,
        range,
        scopedVars: {},
        timezone: 'utc',
        app: 'dashboard',
        startTime: Date.now(),
        hideFromInspector: true,
      };
      try {
        return await lookUp(query, { variables: dashboardVariables(getTemplateSrv()), range, request }, datasource);
      } catch (thrown) {
        throw lookUpError(thrown);
      }
    },
    LOOKED_UP_AFTER_MS,
  );
  if (key === null) return <Note>{query.kind === 'sql' ? words.incompleteSql : words.incomplete}</Note>;
  if (found.error !== undefined) {
    return (
      <span className={styles.error} role="alert">
        {found.error.message}
      </span>
    );
  }
  if (found.value === undefined) return <Note>{words.looking}</Note>;
  if (found.value.values.length === 0 && dependsOnNothing(query)) return <Note>{words.unset}</Note>;
  const count = countText(found.value.values.length);
  if (!found.value.truncated) return <Note>{words.found(count)}</Note>;
  return <Note>{lookedUp(query) === null ? words.cutSql(count) : words.cut(count)}</Note>;
}

/** Whether its SQL holds a variable that has no value where it is edited: Grafana fills them in a dashboard that is open. */
function dependsOnNothing({ kind, sql }: VariableQuery): boolean {
  const { lookup } = dashboardVariables(getTemplateSrv());
  return kind === 'sql' && variablesIn(sql).some(({ name, field }) => lookup(name, field)?.values.length === 0);
}

function Note({ children }: { readonly children: string }): React.JSX.Element {
  const styles = useStyles2(editorStyles);
  return (
    <span className={styles.note} role="status" data-testid={testIds.variables.found}>
      {children}
    </span>
  );
}
