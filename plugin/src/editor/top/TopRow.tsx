import { Button, RadioButtonGroup, useStyles2 } from '@grafana/ui';
import React from 'react';
import type { ArmorlakeModel, Estimate, QueryType, Recipe } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';
import { editorStyles } from '../styles.js';
import { EstimateChip } from './EstimateChip.js';
import { RecipeMenu } from './RecipeMenu.js';
import { RunButton } from './RunButton.js';
import { scopeText } from './scope.js';
import type { GuardedRun } from './useGuardedRun.js';

const words = text.editor;

/** Those that one chooses; annotations are asked by their own editor. */
export const chosenTypes = ['table', 'timeseries', 'logs', 'tree', 'graph'] as const satisfies readonly QueryType[];

interface Props {
  readonly model: ArmorlakeModel;
  readonly estimate: Estimate | null | undefined;
  readonly guarded: GuardedRun;
  readonly scopeOpen: boolean;
  readonly onScopeOpen: (open: boolean) => void;
  readonly onType: (type: QueryType) => void;
  /** null: this type has no two editors. */
  readonly onMode: ((mode: 'builder' | 'sql') => void) | null;
  readonly onRecipe: (recipe: Recipe) => void;
}

/** Type, scope, estimate; recipes, builder or SQL, and the run. */
export function TopRow(props: Props): React.JSX.Element {
  const { model, estimate, guarded, scopeOpen, onScopeOpen, onType, onMode, onRecipe } = props;
  const styles = useStyles2(editorStyles);
  return (
    <div className={styles.row}>
      <span data-testid={testIds.editor.type}>
        <RadioButtonGroup
          size="sm"
          aria-label={words.queryType}
          options={chosenTypes.map((value) => ({
            value,
            label: words.types[value].label,
            description: words.types[value].hint,
          }))}
          value={chosenTypes.find((type) => type === model.queryType)}
          onChange={onType}
        />
      </span>
      <Button
        size="sm"
        variant="secondary"
        icon={scopeOpen ? 'angle-down' : 'angle-right'}
        aria-expanded={scopeOpen}
        tooltip={words.scope.open}
        onClick={() => {
          onScopeOpen(!scopeOpen);
        }}
        data-testid={testIds.editor.scope}
      >
        {scopeText(model.scope) ?? words.scope.all}
      </Button>
      <EstimateChip estimate={estimate} />
      <div className={styles.end}>
        <RecipeMenu onChoose={onRecipe} />
        {onMode !== null && (
          <span data-testid={testIds.editor.mode}>
            <RadioButtonGroup
              size="sm"
              aria-label={words.mode.label}
              options={[
                { value: 'builder' as const, label: words.mode.builder },
                { value: 'sql' as const, label: words.mode.sql },
              ]}
              value={model.editor}
              onChange={onMode}
            />
          </span>
        )}
        <RunButton guarded={guarded} estimate={estimate} />
      </div>
    </div>
  );
}
