import { DataSourceTestFailed, DataSourceTestSucceeded } from '@grafana/data';
import type { GrafanaTheme2 } from '@grafana/data';
import { getAppEvents, getBackendSrv } from '@grafana/runtime';
import { FieldSet, useStyles2 } from '@grafana/ui';
import { css } from '@emotion/css';
import React, { useEffect, useState } from 'react';
import { lastValueFrom } from 'rxjs';
import { printable } from '../../shared/index.js';
import type { HealthDetails, HealthUrl, NodeInfo } from '../../shared/index.js';
import { countText, durationText } from '../editor/format.js';
import { testIds } from '../testIds.js';
import { text } from '../text.js';
import { healthDetails, troubledFirst } from './health.js';

/** More rows would make the page heavy; those in trouble come first. */
const SHOWN_NODES = 500;

/** What the last Save & test found: each URL with the step that failed, and the nodes known there. */
export function HealthReport({ uid }: { readonly uid: string }): React.JSX.Element {
  const details = useTestedHealth(uid);
  const styles = useStyles2(getStyles);
  return (
    <FieldSet label={text.config.health.label} data-testid={testIds.config.health}>
      {details === 'none' && <p className={styles.hint}>{text.config.health.hint}</p>}
      {details === 'asking' && <p className={styles.hint}>{text.config.health.asking}</p>}
      {typeof details === 'object' && (
        <div aria-live="polite">
          <UrlTable urls={details.urls} />
          <NodeTable nodes={details.nodes} anyPassed={details.urls.some(({ failed }) => failed === null)} />
        </div>
      )}
    </FieldSet>
  );
}

function UrlTable({ urls }: { readonly urls: readonly HealthUrl[] }): React.JSX.Element {
  const styles = useStyles2(getStyles);
  const { columns, passed, failedAt, steps } = text.config.health;
  return (
    <table className={styles.table} data-testid={testIds.config.healthUrls}>
      <caption>{text.config.health.urls}</caption>
      <thead>
        <Heads names={[columns.url, columns.result, columns.message, columns.node, columns.version, columns.time]} />
      </thead>
      <tbody>
        {urls.map((url, index) => (
          // The same URL may be given twice.
          <tr key={index} className={url.failed === null ? undefined : styles.bad}>
            <th scope="row">{printable(url.url)}</th>
            <td>{url.failed === null ? passed : failedAt(steps[url.failed])}</td>
            <td>{printable(url.message)}</td>
            <td>{printable(url.node ?? '')}</td>
            <td>{printable(url.version ?? '')}</td>
            <td>{url.ms === null ? '' : durationText(url.ms)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function NodeTable(props: { readonly nodes: readonly NodeInfo[]; readonly anyPassed: boolean }): React.JSX.Element {
  const styles = useStyles2(getStyles);
  const { columns, nodes: caption, noNodes, clockOff, shownOf } = text.config.health;
  if (props.nodes.length === 0) return <>{props.anyPassed && <p className={styles.hint}>{noNodes}</p>}</>;
  const shown = troubledFirst(props.nodes).slice(0, SHOWN_NODES);
  const heads = [
    columns.node,
    columns.state,
    columns.role,
    columns.version,
    columns.cluster,
    columns.labels,
    columns.lastContact,
    columns.clock,
    columns.rows,
    columns.reason,
  ];
  return (
    <>
      <table className={styles.table} data-testid={testIds.config.healthNodes}>
        <caption>{caption(countText(props.nodes.length))}</caption>
        <thead>
          <Heads names={heads} />
        </thead>
        <tbody>
          {shown.map((node) => (
            <tr key={node.name} className={node.state === 'alive' ? undefined : styles.bad}>
              <th scope="row">{printable(node.name)}</th>
              <td>{printable(node.state)}</td>
              <td>{printable(node.role)}</td>
              <td>{printable(node.version)}</td>
              <td>{printable(node.cluster)}</td>
              <td>{printable(labelsText(node.labels))}</td>
              <td>{printable(node.lastContact ?? '')}</td>
              <td>{node.clockOffsetMs === null ? '' : clockOff(Math.round(node.clockOffsetMs))}</td>
              <td>{node.rows === undefined ? '' : countText(node.rows)}</td>
              <td>{printable(node.reason ?? '')}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < props.nodes.length && (
        <p className={styles.hint}>{shownOf(countText(shown.length), countText(props.nodes.length))}</p>
      )}
    </>
  );
}

function Heads({ names }: { readonly names: readonly string[] }): React.JSX.Element {
  return (
    <tr>
      {names.map((name) => (
        <th key={name} scope="col">
          {name}
        </th>
      ))}
    </tr>
  );
}

/** Asks for the health's details each time Grafana has tested the data source: it shows one line of them itself. */
function useTestedHealth(uid: string): HealthDetails | 'none' | 'asking' {
  const [details, setDetails] = useState<HealthDetails | 'none' | 'asking'>('none');
  useEffect(() => {
    let current = true;
    const ask = (): void => {
      setDetails('asking');
      void askHealth(uid).then((found) => {
        if (current) setDetails(found ?? 'none');
      });
    };
    const events = getAppEvents();
    const subscriptions = [DataSourceTestSucceeded, DataSourceTestFailed].map((event) => events.subscribe(event, ask));
    return () => {
      current = false;
      for (const subscription of subscriptions) subscription.unsubscribe();
    };
  }, [uid]);
  return details;
}

async function askHealth(uid: string): Promise<HealthDetails | null> {
  const url = `/api/datasources/uid/${encodeURIComponent(uid)}/health`;
  try {
    const answer = await lastValueFrom(
      getBackendSrv().fetch<unknown>({ method: 'GET', url, showErrorAlert: false, showSuccessAlert: false }),
    );
    return healthDetails(answer.data);
  } catch (thrown) {
    // A failed check is an error of Grafana's API, with the same body.
    const body: unknown = typeof thrown === 'object' && thrown !== null ? Reflect.get(thrown, 'data') : undefined;
    return healthDetails(body);
  }
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');
}

function getStyles(theme: GrafanaTheme2): Record<'table' | 'bad' | 'hint', string> {
  return {
    table: css({
      marginBottom: theme.spacing(2),
      caption: { captionSide: 'top', color: theme.colors.text.secondary, padding: theme.spacing(0.5, 0) },
      'th, td': {
        padding: theme.spacing(0.5, 2, 0.5, 0),
        textAlign: 'left',
        verticalAlign: 'top',
        borderBottom: `1px solid ${theme.colors.border.weak}`,
        overflowWrap: 'anywhere',
      },
      'thead th': { fontWeight: theme.typography.fontWeightMedium, whiteSpace: 'nowrap' },
      'tbody th': { fontWeight: theme.typography.fontWeightRegular, fontFamily: theme.typography.fontFamilyMonospace },
    }),
    bad: css({ 'td:nth-of-type(1)': { color: theme.colors.error.text } }),
    hint: css({ color: theme.colors.text.secondary }),
  };
}
