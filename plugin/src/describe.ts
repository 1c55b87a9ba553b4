import { QueryError, parseModel } from '../shared/index.js';
import type { ArmorlakeModel } from '../shared/index.js';
import { text } from './text.js';
import type { ArmorlakeQuery } from './types.js';

/** Whether there is anything to ask; what can't be read is asked, so that its error is seen. */
export function isAsked(query: ArmorlakeQuery): boolean {
  if (query.hide === true) return false;
  const model = modelOf(query);
  return model === null || asksAnything(model);
}

/** A query in a line, for lists of queries. */
export function queryText(query: ArmorlakeQuery): string {
  const model = modelOf(query);
  if (model === null) return text.explore.unreadable;
  const { queryType, editor, sql, builder, process, annotation } = model;
  const kind =
    queryType === 'annotations' ? text.annotations.kinds[annotation].label : text.editor.types[queryType].label;
  if (queryType === 'tree' || (queryType === 'graph' && process.graph === 'process')) {
    const { target } = process;
    return target === null ? kind : `${kind}: ${target.node} ${target.by === 'event' ? target.seq : target.pid}`;
  }
  if (queryType === 'annotations' && annotation !== 'sql') return kind;
  if (editor === 'sql' || queryType === 'annotations') return `${kind}: ${sql.trim()}`;
  const filters = builder.filters
    .filter(({ column }) => column !== '')
    .map(({ column, key, operator, values }) => {
      const name = key === undefined ? column : `${column}[${key}]`;
      return [name, operator, values.join(', ')].join(' ').trim();
    });
  return `${kind}: ${[builder.table, ...filters].join('; ')}`;
}

function asksAnything({ queryType, annotation, process, editor, sql }: ArmorlakeModel): boolean {
  switch (queryType) {
    case 'tree':
      return process.target !== null;
    case 'graph':
      return process.graph === 'behaviour' || process.target !== null;
    case 'annotations':
      return annotation !== 'sql' || sql.trim() !== '';
    case 'table':
    case 'timeseries':
    case 'logs':
      return editor === 'builder' || sql.trim() !== '';
  }
}

function modelOf(query: ArmorlakeQuery): ArmorlakeModel | null {
  try {
    return parseModel(query);
  } catch (thrown) {
    if (thrown instanceof QueryError) return null;
    throw thrown;
  }
}
