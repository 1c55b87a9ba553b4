import { LoadingPlaceholder, useStyles2 } from '@grafana/ui';
import React from 'react';
import { printable } from '../../../shared/index.js';
import type { ExplainAnswer } from '../../../shared/index.js';
import { text } from '../../text.js';
import { pluralText, printableSql } from '../format.js';
import type { Loaded } from '../hooks/useLoaded.js';
import { drawerStyles } from '../styles.js';
import { estimateText } from '../top/estimate.js';

const words = text.editor.footer;

interface Props {
  readonly explain: Loaded<ExplainAnswer>;
}

/** How the query is answered: what each node runs, what is done with the answers, and who is not asked, and why. */
export function ExplainView({ explain }: Props): React.JSX.Element {
  const styles = useStyles2(drawerStyles);
  const answer = explain.value ?? explain.latest;
  const error = explain.error ?? (answer !== undefined && 'error' in answer ? answer.error : undefined);
  if (error !== undefined) {
    return (
      <p role="alert" className={styles.failed}>
        {words.explainFailed} {error.message} {error.hint}
      </p>
    );
  }
  if (answer === undefined || 'error' in answer) return <LoadingPlaceholder text={text.editor.estimate.loading} />;
  const { explanation } = answer;
  const notAsked = explanation.nodes.filter(({ status }) => status !== 'asked');
  return (
    <>
      <p>
        {words.estimate}: {estimateText(explanation.estimate)}
      </p>
      {explanation.subqueries > 0 && (
        <p>{words.subqueries(pluralText(explanation.subqueries, 'subquery', 'subqueries'))}</p>
      )}
      <section aria-label={words.fragments}>
        <h5>{words.fragments}</h5>
        {explanation.fragments.map(({ name, kind, table, sql }) => (
          <div key={name}>
            <span className={styles.quiet}>
              {kind} · {table}
            </span>
            <pre className={styles.code} tabIndex={0} aria-label={`${words.fragments}: ${name}`}>
              {printableSql(sql)}
            </pre>
          </div>
        ))}
      </section>
      <section aria-label={words.merge}>
        <h5>{words.merge}</h5>
        {explanation.merge === null ? (
          <p>{words.noMerge}</p>
        ) : (
          <pre className={styles.code} tabIndex={0}>
            {printableSql(explanation.merge)}
          </pre>
        )}
      </section>
      {notAsked.length > 0 && (
        <section aria-label={words.notAsked}>
          <h5>{words.notAsked}</h5>
          <ul className={styles.list}>
            {notAsked.slice(0, 200).map(({ name, reason }) => (
              <li key={name}>
                {printable(name)}
                {reason === null ? '' : `: ${printable(reason)}`}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
