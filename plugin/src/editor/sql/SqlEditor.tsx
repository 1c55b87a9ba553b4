import { Button, CodeEditor, Icon, useStyles2 } from '@grafana/ui';
import type { Monaco, MonacoEditor } from '@grafana/ui';
import React, { useEffect, useRef, useState } from 'react';
import type { ErrorBody } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import { sqlStyles } from '../styles.js';
import type { CompletionSource } from './completion.js';
import { useDraft } from '../hooks/useDraft.js';
import { formatSql } from './formatSql.js';
import { registerCompletion } from './monacoCompletion.js';
import { problemRange } from './problem.js';

const words = text.editor.sql;
/** Owner of the markers, so that none but ours are replaced. */
const MARKERS = 'armorlake';

interface Props {
  readonly sql: string;
  readonly onChange: (sql: string) => void;
  readonly onRun: () => void;
  /** What the node says is wrong with the SQL as it is told, with the position in it; null: nothing; undefined: it says nothing. */
  readonly problem: ErrorBody | null | undefined;
  readonly checking: boolean;
  readonly completion: CompletionSource;
}

interface Mounted {
  readonly editor: MonacoEditor;
  readonly monaco: Monaco;
}

/** SQL with completion, formatting and the node's own judgement while one types. */
export function SqlEditor({ sql, onChange, onRun, problem, checking, completion }: Props): React.JSX.Element {
  const styles = useStyles2(sqlStyles);
  const { draft, type, tell } = useDraft(sql, onChange);
  const [unformatted, setUnformatted] = useState<string | null>(null);
  const [mounted, setMounted] = useState<Mounted | null>(null);
  // Monaco keeps the functions it was given first; they find the current ones here.
  const current = useRef({ onRun, completion, tell, type });
  useEffect(() => {
    current.current = { onRun, completion, tell, type };
  });
  useEffect(() => {
    if (mounted === null) return undefined;
    const { editor, monaco } = mounted;
    const provider = registerCompletion(monaco, editor, () => current.current.completion);
    // A command of the editor would be shared with every other editor on the page.
    const keys = editor.onKeyDown((event) => {
      if (event.keyCode !== monaco.KeyCode.Enter || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      event.stopPropagation();
      current.current.tell();
      current.current.onRun();
    });
    return () => {
      provider.dispose();
      keys.dispose();
    };
  }, [mounted]);
  useEffect(() => {
    const model = mounted?.editor.getModel();
    if (mounted === null || model == null) return;
    const { monaco } = mounted;
    const markers =
      problem == null || draft !== sql
        ? []
        : [
            {
              ...problemRange(sql, problem.position, problem.message),
              message: problemText(problem),
              severity: monaco.MarkerSeverity.Error,
            },
          ];
    monaco.editor.setModelMarkers(model, MARKERS, markers);
  }, [mounted, problem, draft, sql]);

  const format = (): void => {
    formatSql(draft).then(
      (formatted) => {
        setUnformatted(formatted === null ? words.formatFailed : null);
        if (formatted === null) return;
        type(formatted);
        onChange(formatted);
      },
      () => {
        setUnformatted(words.formatMissing);
      },
    );
  };
  const lines = draft.split('\n').length;
  return (
    <div className={styles.root} data-testid={testIds.editor.sql}>
      <CodeEditor
        value={draft}
        language="sql"
        height={Math.min(420, Math.max(120, lines * 19 + 24))}
        showLineNumbers
        showMiniMap={false}
        onBlur={tell}
        onChange={(typed) => {
          current.current.type(typed);
        }}
        onEditorDidMount={(editor, monaco) => {
          setMounted({ editor, monaco });
        }}
        monacoOptions={{
          ariaLabel: words.label,
          wordWrap: 'on',
          wordBasedSuggestions: false,
          scrollBeyondLastLine: false,
          quickSuggestions: { other: true, comments: false, strings: true },
        }}
      />
      <div className={styles.bar}>
        <Button
          size="sm"
          variant="secondary"
          icon="brackets-curly"
          tooltip={words.formatHint}
          onClick={format}
          data-testid={testIds.editor.format}
        >
          {words.format}
        </Button>
        <Judgement problem={problem} checking={checking || draft !== sql} empty={draft.trim() === ''} />
        {unformatted !== null && (
          <span className={styles.note} role="status">
            {unformatted}
          </span>
        )}
      </div>
    </div>
  );
}

interface JudgementProps {
  readonly problem: ErrorBody | null | undefined;
  readonly checking: boolean;
  readonly empty: boolean;
}

function Judgement({ problem, checking, empty }: JudgementProps): React.JSX.Element | null {
  const styles = useStyles2(sqlStyles);
  if (empty) return null;
  if (checking) return <span className={styles.note}>{words.checking}</span>;
  if (problem === undefined) return null;
  return problem === null ? (
    <span className={styles.note} role="status">
      <Icon name="check" size="sm" /> {words.valid}
    </span>
  ) : (
    <span className={styles.problem} role="alert" data-testid={testIds.editor.problem}>
      <Icon name="exclamation-circle" size="sm" /> {problemText(problem)}
    </span>
  );
}

function problemText({ message, hint }: ErrorBody): string {
  return hint === undefined ? message : `${message} ${hint}`;
}
