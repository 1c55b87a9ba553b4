import { annotationTable, defaultQuery } from '../../shared/index.js';
import type { ArmorlakeQuery } from '../types.js';

/** What a new annotation shows: what was blocked. */
export function defaultAnnotation(table: string | undefined): Partial<ArmorlakeQuery> {
  const model = defaultQuery('annotations', table);
  return { ...model, builder: { ...model.builder, table: annotationTable(model.annotation) ?? model.builder.table } };
}

/** The query of a saved annotation, of which any part may be missing. */
export function annotationTarget(target: ArmorlakeQuery | undefined, table?: string): ArmorlakeQuery {
  const fallback: ArmorlakeQuery = { refId: 'Anno', ...defaultAnnotation(table) };
  if (target === undefined) return fallback;
  const written = target.sql !== undefined && target.sql !== '' && target.annotation === undefined;
  return { ...target, queryType: 'annotations', annotation: written ? 'sql' : (target.annotation ?? 'blocks') };
}
