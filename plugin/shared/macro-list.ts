/** One macro, as the editor completes and explains it. */
export interface MacroDescription {
  readonly name: string;
  /** What is inserted, as `$__timeFilter(time)`. */
  readonly example: string;
  readonly signature: string;
  readonly description: string;
}

/** Every macro of the SQL editor; docs/query-editor.md has them too. */
export const macros: readonly MacroDescription[] = [
  {
    name: '$__timeFilter',
    signature: '$__timeFilter(column)',
    example: '$__timeFilter(time)',
    description: "Only rows within the dashboard's time range: from <= column < to.",
  },
  {
    name: '$__timeFrom',
    signature: '$__timeFrom',
    example: '$__timeFrom',
    description: 'The beginning of the time range, a TIMESTAMP (UTC). Also with empty parentheses.',
  },
  {
    name: '$__timeTo',
    signature: '$__timeTo',
    example: '$__timeTo',
    description: 'The end of the time range, a TIMESTAMP (UTC). Also with empty parentheses.',
  },
  {
    name: '$__timeGroup',
    signature: '$__timeGroup(column, interval[, fill])',
    example: '$__timeGroup(time, auto)',
    description:
      "The beginning of the time bucket. interval: 30s, 5m, 1h, 1d, 1w, auto or $__interval; from an hour on in the viewer's time zone. fill: NULL, previous or a number for empty buckets.",
  },
  {
    name: '$__timeGroupAlias',
    signature: '$__timeGroupAlias(column, interval[, fill])',
    example: '$__timeGroupAlias(time, auto)',
    description: 'The same as $__timeGroup, named: … AS "time".',
  },
  {
    name: '$__time',
    signature: '$__time(column)',
    example: '$__time(received_at)',
    description: 'The column, named: column AS "time".',
  },
  {
    name: '$__unixEpochFilter',
    signature: '$__unixEpochFilter(column)',
    example: '$__unixEpochFilter(epoch(time))',
    description:
      'Only rows within the time range, of a column of seconds since 1970; columns here are times: $__timeFilter.',
  },
  {
    name: '$__interval',
    signature: '$__interval',
    example: '$__interval',
    description: "The panel's interval, an SQL INTERVAL.",
  },
  {
    name: '$__interval_ms',
    signature: '$__interval_ms',
    example: '$__interval_ms',
    description: "The panel's interval in milliseconds, a number.",
  },
  {
    name: '$__conditionalAll',
    signature: '$__conditionalAll(predicate, $variable)',
    example: '$__conditionalAll(namespace IN ($namespace), $namespace)',
    description: 'The predicate; TRUE while All of the variable is chosen.',
  },
  {
    name: '$__adHocFilters',
    signature: '$__adHocFilters(table)',
    example: '$__adHocFilters(kubearmor.alerts)',
    description: "The dashboard's ad hoc filters as a condition on the table's columns; TRUE without any.",
  },
  {
    name: '$__nodes',
    signature: '$__nodes[(column)]',
    example: '$__nodes',
    description: "Only rows of the nodes named by the query's scope, by the column node; TRUE when it names none.",
  },
];

export const macroNames: ReadonlySet<string> = new Set(macros.map(({ name }) => name));
