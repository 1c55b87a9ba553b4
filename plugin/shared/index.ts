export * from './model.js';
export * from './node-api.js';
export * from './resources.js';
export * from './settings.js';
export * from './coverage.js';
export { printable, unprintable } from './printable.js';
export { QueryError } from './errors.js';
export type { QueryErrorCode } from './errors.js';
export { identifier, literal, literalList, tableReference, timestampLiteral } from './quoting.js';
export { clampLimit, defaultBuilder, defaultQuery, emptyScope, limitsOf } from './defaults.js';
export { migrate } from './migrate.js';
export { parseModel } from './parse.js';
export { columnKind, columnSql, formatColumn, parseColumn } from './columns.js';
export type { ColumnKind, ColumnReference } from './columns.js';
export { isExec } from './process/exec.js';
export { execSession } from './exec-session.js';
export { kindOf, knownTables, tableOf, usualColumns } from './tables.js';
export type { KnownTable } from './tables.js';
export { operatorsOf, wantsNoValue } from './operators.js';
export { filterSql, filtersSql } from './filters.js';
export { adHocCondition, adHocKey, filterOfAdHoc } from './ad-hoc.js';
export { isBlank, tokenize } from './lexer.js';
export type { Token, TokenKind } from './lexer.js';
export { composed } from './mapped-text.js';
export type { MappedText } from './mapped-text.js';
export { macroNames, macros } from './macro-list.js';
export type { MacroDescription } from './macro-list.js';
export { expandMacros } from './macros.js';
export type { ExpandedSql, MacroValues } from './macros.js';
export { autoBucketMs, intervalMs } from './intervals.js';
export { bucketEnd, bucketStart, bucketStarts, bucketsOf } from './time-groups.js';
export type { Buckets } from './time-groups.js';
export { variablesIn, wholeVariable } from './variable-names.js';
export {
  interpolateFilters,
  interpolateModel,
  interpolateScope,
  interpolateSql,
  interpolateText,
} from './variables.js';
export type { VariableValue, Variables } from './variables.js';
export { aggregateName } from './builder.js';
export { builderSql, compileQuery, unlimitedSql } from './compile.js';
export { isWritten } from './written.js';
export { alertLineColumns, lineColumns, logLevel, logLine } from './log-line.js';
export type { TextOf } from './log-line.js';
export { logContextQuery, logsVolumeQuery, tableAround } from './logs.js';
export { annotationTable, explainRefusal } from './annotations.js';
export { MAX_VALUES, nodesOf, valuesQuery } from './values.js';
export { tailKey } from './tail-key.js';
export { tailSelection } from './tail.js';
export { recipes } from './recipes.js';
export type { Recipe } from './recipes.js';
export { filterableColumns } from './filterable.js';
export { BEHAVIOUR_GROUPS, TREE_BOUNDS, isBlankTarget, treeCtes } from './process/index.js';
