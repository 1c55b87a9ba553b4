import { annotationSql } from './annotations.js';
import { builderLimit, selectSql } from './builder.js';
import { clampLimit, limitsOf } from './defaults.js';
import { QueryError } from './errors.js';
import type { ValueMode } from './filters.js';
import { logContextSql, logsSql, logsVolumeSql } from './logs.js';
import { tokenize } from './lexer.js';
import { expandMacros } from './macros.js';
import { composed } from './mapped-text.js';
import type { ArmorlakeModel, CompiledQuery, QueryContext } from './model.js';
import { compileProcess } from './process/index.js';
import { shown } from './quoting.js';
import { withRowLimit } from './row-limit.js';
import { nodesOf } from './values.js';
import { variablesIn, wholeVariable } from './variable-names.js';
import { isWritten } from './written.js';

/** Lines of SQL and the rows they may answer. */
interface Written {
  readonly lines: readonly string[];
  readonly limit: number;
}

function builderLines(model: ArmorlakeModel, mode: ValueMode): Written {
  const { builder, queryType, derived, annotation } = model;
  if (derived?.kind === 'volume') {
    return { lines: logsVolumeSql(builder), limit: limitsOf('timeseries').normal };
  }
  const limit = builderLimit(builder, queryType);
  if (derived?.kind === 'context') return { lines: logContextSql(builder, derived), limit };
  if (queryType === 'logs') return { lines: logsSql(builder, mode), limit };
  if (queryType === 'annotations' && annotation !== 'sql') {
    return { lines: annotationSql(annotation, builder, mode), limit };
  }
  return { lines: selectSql(builder, queryType, mode), limit };
}

/**
 * The SQL of a builder query as people read it: with macros, variables where they are, and its limit.
 * @throws QueryError for what can't be asked.
 */
export function builderSql(model: ArmorlakeModel): string {
  return `${unlimitedSql(model)}\nLIMIT ${String(builderLimit(model.builder, model.queryType))}`;
}

/**
 * The same as people go on writing it: its limit is the query's `sqlLimit`, so that a cut is known as one.
 * @throws QueryError for what can't be asked.
 */
export function unlimitedSql(model: ArmorlakeModel): string {
  return builderLines(model, 'variables').lines.join('\n');
}

/** No dashboard has replaced the variables: that is said, instead of looking for a namespace called "$ns". */
function refuseVariables({ builder, scope, interpolated }: ArmorlakeModel): void {
  if (interpolated === true) return;
  const values = [
    ...builder.filters.flatMap((filter) => filter.values),
    ...scope.nodes,
    ...scope.clusters,
    ...Object.values(scope.labels).flat(),
  ];
  const left = values.find((value) => wholeVariable(value) !== null);
  if (left !== undefined) {
    throw new QueryError(`The variable ${shown(left)} has no value here.`, {
      hint: 'Only a dashboard that defines it gives it one; an alert rule has no variables: write the value itself.',
    });
  }
}

/** A text that no dashboard has put a value into is equal to nothing: a rule with it would never fire, and not say why. */
function refuseVariablesInTexts(sql: string): void {
  for (const { kind, text, start } of tokenize(sql)) {
    if (kind !== 'string' && kind !== 'escapeString') continue;
    const left = variablesIn(text).find(({ name }) => !name.startsWith('__') && !/^\d/.test(name));
    if (left === undefined) continue;
    throw new QueryError(`The variable ${shown(left.text)} has no value here.`, {
      hint: "Only a dashboard that defines it gives it one; an alert rule has no variables: write the value itself. A dollar sign that is meant: '$' || 'HOME'.",
      position: start + left.index,
    });
  }
}

/** Log volumes have bars that can be told apart, however wide the panel is. */
function volumeContext(context: QueryContext): QueryContext {
  return { ...context, intervalMs: 1, maxDataPoints: 100 };
}

/**
 * A model as SQL for a node. SQL without a limit of its own lets one row more through than `rows`, so that an answer that
 * was cut is known as cut.
 * @throws QueryError for what can't be asked; positions are those of the text the user wrote.
 */
export function compileQuery(model: ArmorlakeModel, context: QueryContext): CompiledQuery {
  refuseVariables(model);
  const { queryType, scope, derived } = model;
  if (derived === undefined && (queryType === 'tree' || queryType === 'graph')) return compileProcess(model, context);
  const values = {
    context: derived?.kind === 'volume' ? volumeContext(context) : context,
    timezone: model.timezone,
    nodes: scope.nodes,
    adHocFilters: model.adHocFilters ?? [],
  };
  const nodes = nodesOf(scope);
  if (isWritten(model)) {
    if (model.sql.trim() === '') throw new QueryError('The query is empty.', { hint: 'Write a SELECT.' });
    const nul = model.sql.indexOf('\0');
    if (nul >= 0) throw new QueryError('The SQL holds a NUL character.', { position: nul });
    if (model.interpolated !== true) refuseVariablesInTexts(model.sql);
    const rows = clampLimit(queryType, model.sqlLimit);
    const expanded = expandMacros(model.sql, values);
    const { text, originalPosition } = composed(expanded, withRowLimit(expanded.text, rows + 1));
    const { fill, bucketMs } = expanded;
    return { sql: text, nodes, perNode: model.perNode, rows, fill, bucketMs, originalPosition };
  }
  const { lines, limit } = builderLines(model, 'literals');
  const { text, fill, bucketMs } = expandMacros([...lines, `LIMIT ${String(limit + 1)}`].join('\n'), values);
  return { sql: text, nodes, perNode: false, rows: limit, fill, bucketMs, originalPosition: null };
}
