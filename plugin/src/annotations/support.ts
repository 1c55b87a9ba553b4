import type { AnnotationQuery, AnnotationSupport } from '@grafana/data';
import type { ArmorlakeQuery } from '../types.js';
import { AnnotationEditor } from './AnnotationEditor.js';
import { annotationTarget, defaultAnnotation } from './target.js';

/** Annotations of a dashboard; the backend answers frames that Grafana reads by itself. */
export function annotationSupport(table: string | undefined): AnnotationSupport<ArmorlakeQuery> {
  return {
    QueryEditor: AnnotationEditor,
    getDefaultQuery: () => defaultAnnotation(table),
    // As it is saved: another object would be saved at once.
    prepareAnnotation: (saved: AnnotationQuery<ArmorlakeQuery>) => saved,
    prepareQuery: ({ target }) => annotationTarget(target, table),
  };
}
