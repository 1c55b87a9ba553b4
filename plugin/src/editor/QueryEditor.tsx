import { getDefaultTimeRange } from '@grafana/data';
import type { QueryEditorProps } from '@grafana/data';
import { Alert, Button, useStyles2 } from '@grafana/ui';
import React from 'react';
import { defaultQuery } from '../../shared/index.js';
import type { ArmorlakeDataSource } from '../datasource.js';
import { testIds } from '../testIds.js';
import { text } from '../text.js';
import type { ArmorlakeOptions, ArmorlakeQuery } from '../types.js';
import { ModelEditor } from './ModelEditor.js';
import { readQuery } from './queryState.js';
import { editorStyles } from './styles.js';

export type EditorProps = QueryEditorProps<ArmorlakeDataSource, ArmorlakeQuery, ArmorlakeOptions>;

/** The editor of dashboards, Explore, alert rules and annotations. Opening it changes nothing in the saved query. */
export function QueryEditor(props: EditorProps): React.JSX.Element {
  const { datasource, query, onChange, range } = props;
  const styles = useStyles2(editorStyles);
  const { defaultTable, rowLimit } = datasource.instanceSettings.jsonData;
  const read = readQuery(query, defaultTable, rowLimit);
  if ('problem' in read) {
    return (
      <div className={styles.root} data-testid={testIds.editor.root}>
        <Alert title={read.problem} severity="warning">
          <p>{read.hint}</p>
          <Button
            size="sm"
            variant="secondary"
            onClick={() => {
              const { refId, datasource: reference, hide } = query;
              onChange({ refId, datasource: reference, hide, ...defaultQuery('table', defaultTable) });
            }}
          >
            {text.editor.startAnew}
          </Button>
        </Alert>
      </div>
    );
  }
  return <ModelEditor {...props} range={range ?? getDefaultTimeRange()} model={read.model} />;
}
