import type { ValueMode } from './filters.js';
import { filtersSql } from './filters.js';
import { logLineSql } from './log-line.js';
import type { AnnotationKind, ArmorlakeModel, BuilderQuery } from './model.js';
import type { ErrorBody } from './node-api.js';
import { whereLines } from './where.js';

/**
 * Annotations: `time`, `timeEnd` (NULL: a moment), `title`, `text`, `tags` (joined by commas), and what links need.
 * Their builder gives filters and limit; its table is the kind's own.
 */
interface AnnotationShape {
  readonly table: string;
  readonly select: readonly string[];
  readonly conditions: readonly string[];
  readonly order: string;
}

/** The last day an open stretch is drawn to: the range's own end. */
const shapes: Readonly<Record<Exclude<AnnotationKind, 'sql'>, AnnotationShape>> = {
  blocks: {
    table: 'kubearmor.alerts',
    select: [
      'time',
      'NULL::TIMESTAMP AS "timeEnd"',
      "concat_ws(' ', 'Blocked:', coalesce(policy, 'no policy')) AS title",
      `concat_ws(' · ', coalesce(namespace || '/' || pod, pod, host), ${logLineSql(true)}) AS text`,
      "concat_ws(',', 'blocked', operation, 'severity ' || severity) AS tags",
      'node',
      'seq',
    ],
    conditions: ['$__timeFilter(time)', "outcome = 'blocked'"],
    order: 'time DESC, node DESC, seq DESC',
  },
  gaps: {
    table: 'armorlake.gaps',
    select: [
      'greatest(from_time, $__timeFrom) AS time',
      'least(coalesce(to_time, $__timeTo), $__timeTo) AS "timeEnd"',
      "concat_ws(' ', CASE WHEN cause = 'throttle' THEN 'Throttled:' ELSE 'Gap:' END, node) AS title",
      "concat_ws(' · ', 'cause ' || cause, connector, stream, CASE WHEN estimated IS NOT NULL THEN 'about ' || estimated || ' events missing' END, CASE WHEN to_time IS NULL THEN 'still open' END) AS text",
      "concat_ws(',', CASE WHEN cause = 'throttle' THEN 'throttling' ELSE 'gap' END, cause) AS tags",
      'node',
    ],
    conditions: ['from_time < $__timeTo', 'coalesce(to_time, $__timeTo) >= $__timeFrom'],
    order: 'from_time DESC, node',
  },
  firings: {
    table: 'armorlake.firings',
    select: [
      'greatest(from_time, $__timeFrom) AS time',
      'least(coalesce(to_time, $__timeTo), $__timeTo) AS "timeEnd"',
      "concat_ws(' ', 'Fired:', rule) AS title",
      "concat_ws(' · ', node, message, CASE WHEN to_time IS NULL THEN 'still firing' END) AS text",
      "concat_ws(',', 'firing', rule) AS tags",
      'node',
    ],
    conditions: ['from_time < $__timeTo', 'coalesce(to_time, $__timeTo) >= $__timeFrom'],
    order: 'from_time DESC, node',
  },
};

/** The table that annotations of a kind read, for its filters; `sql` reads any. */
export function annotationTable(kind: AnnotationKind): string | null {
  return kind === 'sql' ? null : shapes[kind].table;
}

/** Annotations of a kind as lines of SQL with macros, without LIMIT. */
export function annotationSql(
  kind: Exclude<AnnotationKind, 'sql'>,
  builder: BuilderQuery,
  mode: ValueMode,
): readonly string[] {
  const { table, select, conditions, order } = shapes[kind];
  const filters = filtersSql(table, builder.filters, mode);
  return [
    `SELECT ${select.join(', ')}`,
    `FROM ${table}`,
    ...whereLines([...conditions, ...filters, `$__adHocFilters(${table})`]),
    `ORDER BY ${order}`,
  ];
}

/** A node's refusal of a query in this plugin's words, where it knows more than the node. */
export function explainRefusal(model: ArmorlakeModel, error: ErrorBody): ErrorBody {
  const isFirings = model.queryType === 'annotations' && model.annotation === 'firings';
  if (!isFirings || error.code !== 'UNKNOWN_TABLE') return error;
  return {
    code: error.code,
    message: 'The asked node keeps no firings: this version of Armorlake watches no rules.',
    hint: 'Choose blocks or gaps, or hide this annotation until the nodes are updated.',
  };
}
