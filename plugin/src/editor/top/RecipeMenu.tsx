import { Button, Dropdown, Menu } from '@grafana/ui';
import React from 'react';
import { recipes } from '../../../shared/index.js';
import type { Recipe } from '../../../shared/index.js';
import { testIds } from '../../testIds.js';
import { text } from '../../text.js';

interface Props {
  readonly onChoose: (recipe: Recipe) => void;
}

/** Questions that are asked often, to start from. */
export function RecipeMenu({ onChoose }: Props): React.JSX.Element {
  const menu = (
    <Menu>
      {recipes.map((recipe) => (
        <Menu.Item
          key={recipe.id}
          label={recipe.title}
          description={recipe.description}
          onClick={() => {
            onChoose(recipe);
          }}
          testId={testIds.editor.recipe(recipe.id)}
        />
      ))}
    </Menu>
  );
  return (
    <Dropdown overlay={menu} placement="bottom-end">
      <Button size="sm" variant="secondary" icon="book-open" data-testid={testIds.editor.recipes}>
        {text.editor.recipes}
      </Button>
    </Dropdown>
  );
}
