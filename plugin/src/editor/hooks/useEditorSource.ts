import type { AdHocVariableFilter, ScopedVars, TimeRange } from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';
import { useMemo } from 'react';
import { interpolateSql, knownTables, parseModel } from '../../../shared/index.js';
import type { ArmorlakeModel, Catalog, CatalogTable, NodeInfo } from '../../../shared/index.js';
import { dashboardVariables } from '../../dashboardVariables.js';
import type { ArmorlakeDataSource } from '../../datasource.js';
import type { ArmorlakeQuery } from '../../types.js';
import { tablesOfCatalog } from '../sql/completion.js';
import type { Loaded } from './useLoaded.js';
import { useLoaded } from './useLoaded.js';
import type { ValueSource } from './useValues.js';
import { MOST_VALUES } from './useValues.js';

/** What an editor of a query looks up. */
export interface EditorSource {
  readonly catalog: Loaded<Catalog>;
  /** Of the catalog; until it is there, those this version of the plugin knows. */
  readonly tables: readonly CatalogTable[];
  readonly nodes: Loaded<readonly NodeInfo[]>;
  /** `$name` of each dashboard variable. */
  readonly variables: readonly string[];
  readonly values: ValueSource;
  /** The same query with its variables filled in; null: it can't be read then. */
  readonly filled: ArmorlakeModel | null;
  /** A position in the SQL with its variables filled in → the one in the SQL as written. */
  writtenPosition(position: number): number;
}

export interface EditorSourceOptions {
  readonly datasource: ArmorlakeDataSource;
  readonly query: ArmorlakeQuery;
  readonly model: ArmorlakeModel;
  readonly range: TimeRange;
  /** Of the panel's last request. */
  readonly scopedVars: ScopedVars | undefined;
  readonly adHocFilters: AdHocVariableFilter[] | undefined;
}

/** Catalog, nodes, variables and values for one query's editor. */
export function useEditorSource(options: EditorSourceOptions): EditorSource {
  const { datasource, query, model, range, scopedVars, adHocFilters } = options;
  const catalog = useLoaded(`catalog ${datasource.uid}`, () => datasource.resources.catalog());
  const nodes = useLoaded(`nodes ${datasource.uid}`, async () => (await datasource.resources.nodes()).nodes);
  const known = catalog.latest;
  const tables = useMemo(() => (known === undefined ? ownTables : tablesOfCatalog(known)), [known]);
  const fill = (changed: ArmorlakeModel): ArmorlakeModel | null => {
    try {
      return parseModel(datasource.applyTemplateVariables({ ...query, ...changed }, scopedVars ?? {}, adHocFilters));
    } catch {
      // A variable's value can make a query wrong; running it says how.
      return null;
    }
  };
  const values: ValueSource = {
    id: JSON.stringify([datasource.uid, model.builder.table, model.scope, rangeKey(range)]),
    variables: variableNames(),
    load: ({ table, column, key, filters, search }, signal) => {
      const filled = fill({ ...model, builder: { ...model.builder, filters } });
      return datasource.resources.values(
        {
          table: table ?? filled?.builder.table ?? model.builder.table,
          column,
          ...(key === undefined ? {} : { key }),
          filters: filled?.builder.filters ?? [],
          scope: filled?.scope ?? model.scope,
          ...(search === '' ? {} : { search }),
          limit: MOST_VALUES,
          fromMs: range.from.valueOf(),
          toMs: range.to.valueOf(),
        },
        signal,
      );
    },
  };
  const writtenPosition = (position: number): number =>
    interpolateSql(model.sql, dashboardVariables(getTemplateSrv(), scopedVars)).originalPosition(position);
  return { catalog, tables, nodes, variables: values.variables, values, filled: fill(model), writtenPosition };
}

/** Tells one time range from another; one that moves with the clock stays the same. */
export function rangeKey({ raw }: TimeRange): string {
  return JSON.stringify([raw.from, raw.to]);
}

function variableNames(): readonly string[] {
  return getTemplateSrv()
    .getVariables()
    .map(({ name }) => `$${name}`);
}

const ownTables: readonly CatalogTable[] = knownTables.map(({ name, columns }) => ({
  name,
  kind: 'table',
  description: '',
  columns: [...columns].map(([column, type]) => ({ name: column, type, description: '' })),
}));
