import type { ArmorlakeModel } from './model.js';

/** Whether what runs is the SQL that the user wrote. */
export function isWritten({ editor, queryType, annotation, derived }: ArmorlakeModel): boolean {
  if (derived !== undefined || queryType === 'tree' || queryType === 'graph') return false;
  return queryType === 'annotations' ? annotation === 'sql' : editor === 'sql';
}
