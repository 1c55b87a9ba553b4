import { Button, Select, useStyles2 } from '@grafana/ui';
import React from 'react';
import type { CatalogColumn, OrderBy } from '../../../shared/index.js';
import { text } from '../../text.js';
import { builderStyles } from '../styles.js';
import { AddButton } from './AddButton.js';
import { BuilderRow } from './BuilderRow.js';
import { ColumnSelect } from './ColumnSelect.js';
import { replaced, without } from './lists.js';

const words = text.editor.builder;
const directions = [
  { value: 'descending', label: words.descending },
  { value: 'ascending', label: words.ascending },
];

interface Props {
  /** What one can order by as the query is now. */
  readonly columns: readonly CatalogColumn[];
  /** Aliases of aggregates. */
  readonly aliases: readonly string[];
  readonly orderBy: readonly OrderBy[];
  readonly onChange: (orderBy: readonly OrderBy[]) => void;
}

export function OrderRow({ columns, aliases, orderBy, onChange }: Props): React.JSX.Element {
  const styles = useStyles2(builderStyles);
  const first = aliases[0] ?? columns[0]?.name ?? 'time';
  return (
    <BuilderRow label={words.orderBy}>
      {orderBy.map((order, index) => (
        <div className={styles.line} key={index}>
          <div>
            <ColumnSelect
              label={words.orderColumn}
              columns={columns}
              more={aliases}
              value={order.by}
              onChange={(by) => {
                onChange(replaced(orderBy, index, { ...order, by }));
              }}
            />
          </div>
          <div>
            <Select<string>
              aria-label={words.direction}
              options={directions}
              value={order.descending ? 'descending' : 'ascending'}
              onChange={({ value }) => {
                onChange(replaced(orderBy, index, { ...order, descending: value === 'descending' }));
              }}
              width="auto"
            />
          </div>
          <Button
            size="sm"
            icon="times"
            variant="secondary"
            fill="text"
            aria-label={words.removeOrder(order.by)}
            onClick={() => {
              onChange(without(orderBy, index));
            }}
          />
        </div>
      ))}
      <AddButton
        label={words.addOrder}
        onClick={() => {
          onChange([...orderBy, { by: first, descending: true }]);
        }}
      />
    </BuilderRow>
  );
}
