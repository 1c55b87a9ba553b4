import { Input, useStyles2 } from '@grafana/ui';
import React, { useState } from 'react';
import { printable } from '../../../shared/index.js';
import type { Coverage, NodeCoverage } from '../../../shared/index.js';
import { text } from '../../text.js';
import { bytesText, countText, durationText, pluralText } from '../format.js';
import { drawerStyles } from '../styles.js';
import { nodesByConcern } from './summary.js';

const words = text.editor.footer;
/** Rows that are drawn; a network has thousands of nodes, and names are found by typing. */
const MOST_ROWS = 200;

interface Props {
  readonly coverage: Coverage;
  /** What became of failed nodes that were asked again. */
  readonly retried: readonly NodeCoverage[];
}

/** Every node with what became of it, then the gaps and short memories of those that answered. */
export function NodesView({ coverage, retried }: Props): React.JSX.Element {
  const styles = useStyles2(drawerStyles);
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const found = nodesByConcern(coverage).filter(({ name }) => name.toLowerCase().includes(wanted));
  const again = new Map(retried.map((node) => [node.name, node]));
  const { gaps, retention } = coverage;
  return (
    <>
      {coverage.nodes.length > 20 && (
        <Input
          value={search}
          placeholder={words.filter}
          aria-label={words.filter}
          onChange={(event) => {
            setSearch(event.currentTarget.value);
          }}
        />
      )}
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">{words.columns.node}</th>
            <th scope="col">{words.columns.status}</th>
            <th scope="col" className={styles.number}>
              {words.columns.rows}
            </th>
            <th scope="col" className={styles.number}>
              {words.columns.bytes}
            </th>
            <th scope="col" className={styles.number}>
              {words.columns.ms}
            </th>
            <th scope="col">{words.columns.message}</th>
          </tr>
        </thead>
        <tbody>
          {found.slice(0, MOST_ROWS).map((node) => (
            <NodeRow key={node.name} node={node} again={again.get(node.name)} />
          ))}
        </tbody>
      </table>
      {found.length > MOST_ROWS && (
        <span className={styles.quiet}>{words.more(countText(found.length - MOST_ROWS))}</span>
      )}
      {gaps.worst.length > 0 && (
        <section aria-label={words.gaps}>
          <h5>{words.gaps}</h5>
          <ul className={styles.list}>
            {gaps.worst.map(({ node, cause, minutes }) => (
              <li key={`${node} ${cause}`}>
                {printable(node)}: {words.gapsOf(printable(cause), pluralText(Math.ceil(minutes), 'minute'))}
              </li>
            ))}
          </ul>
        </section>
      )}
      {retention.nodesShort > 0 && (
        <p>
          {retention.from === null
            ? words.retentionUnknown(pluralText(retention.nodesShort, 'node'))
            : words.retention(pluralText(retention.nodesShort, 'node'), retention.from)}
        </p>
      )}
    </>
  );
}

interface RowProps {
  readonly node: NodeCoverage;
  readonly again: NodeCoverage | undefined;
}

function NodeRow({ node, again }: RowProps): React.JSX.Element {
  const styles = useStyles2(drawerStyles);
  const now = again ?? node;
  const remark = [now.code, now.message].filter((part): part is string => part !== null && part !== '').join(': ');
  return (
    <tr className={now.status === 'failed' ? styles.failed : now.status === 'pruned' ? styles.quiet : undefined}>
      <td>{printable(node.name)}</td>
      <td>{again === undefined ? words.status[node.status] : words.statusNow(words.status[now.status])}</td>
      <td className={styles.number}>{now.rows === null ? '' : countText(now.rows)}</td>
      <td className={styles.number}>{now.bytes === null ? '' : bytesText(now.bytes)}</td>
      <td className={styles.number}>{now.ms === null ? '' : durationText(now.ms)}</td>
      <td>{printable(remark)}</td>
    </tr>
  );
}
