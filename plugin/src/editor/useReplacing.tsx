import { ConfirmModal } from '@grafana/ui';
import React, { useState } from 'react';
import type { ReactNode } from 'react';
import { recipes } from '../../shared/index.js';
import type { ArmorlakeModel, Recipe } from '../../shared/index.js';
import { text } from '../text.js';
import { fromRecipe, hasTwoEditors, holdsWork, intoBuilder, intoSql, isEditedSql } from './queryState.js';

const words = text.editor;

export interface Replacing {
  readonly onRecipe: (recipe: Recipe) => void;
  /** null: this type of query has no two editors. */
  readonly onMode: ((mode: 'builder' | 'sql') => void) | null;
  /** To be drawn somewhere. */
  readonly dialog: ReactNode;
}

/** What replaces a query asks first when work would be lost. */
export function useReplacing(model: ArmorlakeModel, onChange: (changes: Partial<ArmorlakeModel>) => void): Replacing {
  const [asked, setAsked] = useState<'back' | Recipe | null>(null);
  const start = (recipe: Recipe): void => {
    onChange(fromRecipe(model, recipe));
  };
  const onRecipe = (recipe: Recipe): void => {
    if (holdsWork(model, recipes)) setAsked(recipe);
    else start(recipe);
  };
  const onMode = (mode: 'builder' | 'sql'): void => {
    if (mode === model.editor) return;
    if (mode === 'sql') onChange(intoSql(model));
    else if (isEditedSql(model)) setAsked('back');
    else onChange(intoBuilder());
  };
  const dialog = asked !== null && (
    <ConfirmModal
      isOpen
      title={asked === 'back' ? words.backTitle : words.replaceTitle}
      body={asked === 'back' ? words.backBody : words.replaceBody(asked.title)}
      confirmText={asked === 'back' ? words.backConfirm : words.replaceConfirm}
      dismissText={words.cancel}
      onConfirm={() => {
        if (asked === 'back') onChange(intoBuilder());
        else start(asked);
        setAsked(null);
      }}
      onDismiss={() => {
        setAsked(null);
      }}
    />
  );
  return { onRecipe, onMode: hasTwoEditors(model) ? onMode : null, dialog };
}
