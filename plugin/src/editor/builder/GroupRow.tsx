import { InlineField, Select, useStyles2 } from '@grafana/ui';
import React, { useState } from 'react';
import type { CatalogColumn } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import type { ValueSource } from '../hooks/useValues.js';
import { useMapKeys } from '../hooks/useValues.js';
import { builderStyles } from '../styles.js';
import { ValueSelect } from '../ValueSelect.js';
import { BuilderRow } from './BuilderRow.js';
import { groupSuggestions, isMap } from './groups.js';

const words = text.editor.builder;
const buckets = ['auto', '10s', '1m', '5m', '15m', '1h', '6h', '1d'] as const;

interface Props {
  readonly columns: readonly CatalogColumn[];
  readonly groupBy: readonly string[];
  readonly timeBucket: string | null;
  /** A time series has buckets. */
  readonly mustBucket: boolean;
  readonly values: ValueSource;
  readonly onGroupBy: (groupBy: readonly string[]) => void;
  readonly onTimeBucket: (timeBucket: string | null) => void;
}

/** Columns, keys of maps (`labels[app]`), and the width of the time buckets. */
export function GroupRow(props: Props): React.JSX.Element {
  const { columns, groupBy, timeBucket, mustBucket, values, onGroupBy, onTimeBucket } = props;
  const styles = useStyles2(builderStyles);
  const [search, setSearch] = useState<string | null>(null);
  const maps = columns.filter(isMap).map(({ name }) => name);
  const keys = useMapKeys(values, search === null ? [] : maps);
  return (
    <BuilderRow label={words.groupBy}>
      <div className={styles.line}>
        <div className={styles.values} data-testid={testIds.editor.groupBy}>
          <ValueSelect
            label={words.groupBy}
            values={groupBy}
            onChange={onGroupBy}
            suggestions={search === null ? [] : groupSuggestions(columns, keys.value ?? {}, search)}
            onSearch={setSearch}
            loading={keys.loading}
            placeholder={words.groupByPlaceholder}
          />
        </div>
        <InlineField className={styles.field} label={words.timeBucket} data-testid={testIds.editor.timeBucket}>
          <Select<string>
            aria-label={words.timeBucket}
            options={[
              ...(mustBucket ? [] : [{ value: '', label: words.noBucket }]),
              ...buckets.map((value) => ({ value, label: value === 'auto' ? words.autoBucket : value })),
            ]}
            value={bucketOption(mustBucket ? (timeBucket ?? 'auto') : timeBucket)}
            onChange={({ value }) => {
              onTimeBucket(value === undefined || value.trim() === '' ? null : value.trim());
            }}
            allowCustomValue
            width={22}
          />
        </InlineField>
      </div>
    </BuilderRow>
  );
}

function bucketOption(timeBucket: string | null): { readonly value: string; readonly label: string } {
  if (timeBucket === null) return { value: '', label: words.noBucket };
  return { value: timeBucket, label: timeBucket === 'auto' ? words.autoBucket : timeBucket };
}
