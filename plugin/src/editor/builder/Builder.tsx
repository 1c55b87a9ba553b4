import { Button, ClipboardButton, MultiSelect, useStyles2 } from '@grafana/ui';
import React, { useState } from 'react';
import { limitsOf, printable } from '../../../shared/index.js';
import type { BuilderQuery, CatalogTable, QueryType } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import type { ValueSource } from '../hooks/useValues.js';
import { printableSql } from '../format.js';
import { LimitInput } from '../LimitInput.js';
import { builderStyles } from '../styles.js';
import { AggregateRows } from './AggregateRows.js';
import { BuilderRow } from './BuilderRow.js';
import { columnOption } from './ColumnSelect.js';
import { FilterRows } from './FilterRows.js';
import { GroupRow } from './GroupRow.js';
import { isGrouped, orderable, withTable } from './builder.js';
import { OrderRow } from './OrderRow.js';
import { TableRow } from './TableRow.js';

const words = text.editor.builder;

interface Props {
  readonly type: QueryType;
  readonly query: BuilderQuery;
  readonly tables: readonly CatalogTable[];
  /** Why the tables could not be listed; null: they could. */
  readonly tablesError: string | null;
  readonly values: ValueSource;
  /** The SQL it makes, or why it makes none. */
  readonly preview: { readonly sql: string } | { readonly problem: string };
  /** The SQL is folded at first: the room belongs to the answer. */
  readonly folded: boolean;
  readonly onChange: (query: BuilderQuery) => void;
}

/** A question put together from choices. */
export function Builder({
  type,
  query,
  tables,
  tablesError,
  values,
  preview,
  folded,
  onChange,
}: Props): React.JSX.Element {
  const styles = useStyles2(builderStyles);
  const table = tables.find(({ name }) => name === query.table);
  const columns = table?.columns ?? [];
  const showsRows = type === 'logs' || (type === 'table' && !isGrouped(query));
  const { columns: sortable, aliases } = orderable(query, columns);
  const change = (changes: Partial<BuilderQuery>): void => {
    onChange({ ...query, ...changes });
  };
  return (
    <div className={styles.root} data-testid={testIds.editor.builder}>
      <TableRow
        tables={tables}
        value={query.table}
        problem={tablesError}
        onChange={(name) => {
          onChange(withTable(query, tables, name));
        }}
      />
      {showsRows && (
        <BuilderRow label={words.columns}>
          <div className={styles.columns} data-testid={testIds.editor.columns}>
            <MultiSelect<string>
              aria-label={words.columns}
              options={columns.map(columnOption)}
              value={query.columns.map((name) => ({ value: name, label: printable(name) }))}
              onChange={(chosen) => {
                change({ columns: chosen.flatMap(({ value }) => value ?? []) });
              }}
              placeholder={words.columnsPlaceholder}
              closeMenuOnSelect={false}
              allowCustomValue
            />
          </div>
        </BuilderRow>
      )}
      <FilterRows
        columns={columns}
        filters={query.filters}
        values={values}
        onChange={(filters) => {
          change({ filters });
        }}
      />
      {type !== 'logs' && (
        <AggregateRows
          columns={columns}
          aggregates={query.aggregates}
          onChange={(aggregates) => {
            change({ aggregates });
          }}
        />
      )}
      {type !== 'logs' && (
        <GroupRow
          columns={columns}
          groupBy={query.groupBy}
          timeBucket={query.timeBucket}
          mustBucket={type === 'timeseries'}
          values={values}
          onGroupBy={(groupBy) => {
            change({ groupBy });
          }}
          onTimeBucket={(timeBucket) => {
            change({ timeBucket });
          }}
        />
      )}
      {type === 'table' && (
        <OrderRow
          columns={sortable}
          aliases={aliases}
          orderBy={query.orderBy}
          onChange={(orderBy) => {
            change({ orderBy });
          }}
        />
      )}
      <BuilderRow label={words.limit}>
        <LimitInput
          label={words.limit}
          value={query.limit}
          most={limitsOf(type).most}
          onChange={(limit) => {
            change({ limit });
          }}
          testId={testIds.editor.limit}
        />
      </BuilderRow>
      <Preview preview={preview} folded={folded} />
    </div>
  );
}

function Preview({ preview, folded }: Pick<Props, 'preview' | 'folded'>): React.JSX.Element {
  const styles = useStyles2(builderStyles);
  const [chosen, setOpen] = useState<boolean | null>(null);
  // What is wrong is seen whether folded or not.
  const open = chosen ?? (!folded || 'problem' in preview);
  return (
    <div>
      <div className={styles.line}>
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
          {words.preview}
        </Button>
        {open && 'sql' in preview && (
          <ClipboardButton size="sm" variant="secondary" fill="text" icon="copy" getText={() => preview.sql}>
            {words.copySql}
          </ClipboardButton>
        )}
      </div>
      {open &&
        ('sql' in preview ? (
          <pre className={styles.preview} tabIndex={0} aria-label={words.preview} data-testid={testIds.editor.preview}>
            {printableSql(preview.sql)}
          </pre>
        ) : (
          <span role="alert" className={styles.error}>
            {preview.problem}
          </span>
        ))}
    </div>
  );
}
