import { Button, ClipboardButton, Drawer, Tab, TabsBar, useStyles2 } from '@grafana/ui';
import React, { useState } from 'react';
import type { ArmorlakeModel, ExplainAnswer } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import { printableSql } from '../format.js';
import type { Loaded } from '../hooks/useLoaded.js';
import { drawerStyles } from '../styles.js';
import { cliText } from './cli.js';
import { ExplainView } from './ExplainView.js';
import { NodesView } from './NodesView.js';
import type { Outcome } from './summary.js';
import { failedNodes, footerText } from './summary.js';
import { useRetry } from './useRetry.js';
import type { RetryFailed } from './useRetry.js';

const words = text.editor.footer;

/** What the drawer needs of the editor. */
export interface DrawerSource {
  /** Variables filled in. */
  readonly model: ArmorlakeModel;
  readonly explain: Loaded<ExplainAnswer>;
  readonly retry: RetryFailed;
  readonly onRun: () => void;
}

interface Props {
  readonly outcome: Outcome;
  readonly source: DrawerSource;
  readonly onClose: () => void;
}

/** The account of the last answer: each node (failed first), how the query is answered, and the SQL that ran. */
export function CoverageDrawer({ outcome, source, onClose }: Props): React.JSX.Element {
  const styles = useStyles2(drawerStyles);
  const [tab, setTab] = useState<'nodes' | 'explain' | 'sql'>('nodes');
  const { coverage } = outcome.custom;
  const failed = failedNodes(coverage);
  const retry = useRetry(source.retry);
  const { model } = source;
  const cli = (): string =>
    cliText({
      sql: outcome.executedSql ?? '',
      scope: model.scope,
      perNode: model.perNode,
      partial: model.partial,
      rows: model.editor === 'sql' ? model.sqlLimit : model.builder.limit,
    });
  return (
    <Drawer
      title={words.title}
      subtitle={footerText(outcome.custom)}
      size="md"
      onClose={onClose}
      tabs={
        <TabsBar>
          {(['nodes', 'explain', 'sql'] as const).map((name) => (
            <Tab
              key={name}
              label={words[name]}
              active={tab === name}
              onChangeTab={() => {
                setTab(name);
              }}
            />
          ))}
        </TabsBar>
      }
    >
      <div className={styles.root} data-testid={testIds.editor.drawer}>
        <div className={styles.actions}>
          {failed.length > 0 && (
            <Button
              size="sm"
              icon="sync"
              variant="secondary"
              disabled={retry.running}
              onClick={() => {
                retry.start(failed);
              }}
              data-testid={testIds.editor.retry}
            >
              {retry.running ? words.retrying : words.retry(failed.length)}
            </Button>
          )}
          {outcome.executedSql !== null && (
            <ClipboardButton
              size="sm"
              icon="copy"
              variant="secondary"
              getText={cli}
              data-testid={testIds.editor.copyCli}
            >
              {words.copyCli}
            </ClipboardButton>
          )}
          {retry.result !== null && (
            <span role="status">{words.retried(retry.result.answered, retry.result.asked)}</span>
          )}
          {retry.result !== null && retry.result.answered > 0 && (
            <Button size="sm" icon="play" onClick={source.onRun}>
              {words.runAgain}
            </Button>
          )}
          {retry.error !== null && (
            <span role="alert" className={styles.failed}>
              {retry.error}
            </span>
          )}
        </div>
        {tab === 'nodes' && <NodesView coverage={coverage} retried={retry.result?.nodes ?? []} />}
        {tab === 'explain' && <ExplainView explain={source.explain} />}
        {tab === 'sql' && <SqlView sql={outcome.executedSql ?? ''} />}
      </div>
    </Drawer>
  );
}

function SqlView({ sql }: { readonly sql: string }): React.JSX.Element {
  const styles = useStyles2(drawerStyles);
  return (
    <>
      <pre className={styles.code} aria-label={words.executed} tabIndex={0}>
        {printableSql(sql)}
      </pre>
      <div className={styles.actions}>
        <ClipboardButton size="sm" icon="copy" variant="secondary" getText={() => sql}>
          {words.copySql}
        </ClipboardButton>
      </div>
    </>
  );
}
