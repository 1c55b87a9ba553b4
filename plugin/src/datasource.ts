import { CoreApp, SupplementaryQueryType, reverseDataFrame } from '@grafana/data';
import type {
  AbstractQuery,
  AdHocVariableFilter,
  DataFrame,
  DataQueryRequest,
  DataQueryResponse,
  DataSourceGetTagKeysOptions,
  DataSourceGetTagValuesOptions,
  DataSourceInstanceSettings,
  DataSourceWithLogsContextSupport,
  DataSourceWithQueryExportSupport,
  DataSourceWithQueryImportSupport,
  DataSourceWithQueryModificationSupport,
  DataSourceWithSupplementaryQueriesSupport,
  DataSourceWithToggleableQueryFiltersSupport,
  LogRowContextOptions,
  LogRowModel,
  MetricFindValue,
  QueryFilterOptions,
  QueryFixAction,
  ScopedVars,
  SupplementaryQueryOptions,
  ToggleFilterAction,
} from '@grafana/data';
import { DataSourceWithBackend, getGrafanaLiveSrv, getTemplateSrv } from '@grafana/runtime';
import { lastValueFrom, map, merge, mergeMap, of } from 'rxjs';
import type { Observable } from 'rxjs';
import { parseModel, settingDefaults, tableOf } from '../shared/index.js';
import { annotationSupport } from './annotations/support.js';
import { dashboardVariables } from './dashboardVariables.js';
import { isAsked, queryText } from './describe.js';
import { hasFilter, modifyQuery, queryModifications, toggleFilter } from './explore/filters.js';
import { exportQueries, importQueries } from './explore/labels.js';
import type { TailDoor } from './explore/liveTail.js';
import { isLive, liveTail } from './explore/liveTail.js';
import { contextFrames, contextQuery, contextRange, surroundingsQuery } from './explore/logContext.js';
import { splitVolumes, volumeQuery, volumeRequest } from './explore/logsVolume.js';
import { prepareQuery, prepareRequest, standAlone } from './request.js';
import { Resources } from './resources.js';
import type { ArmorlakeOptions, ArmorlakeQuery } from './types.js';
import { tagKeys, tagValues } from './variables/adHoc.js';
import { ArmorlakeVariables } from './variables/support.js';

/** Joins Grafana's interfaces to the modules that do the work; queries themselves are answered by the backend component. */
export class ArmorlakeDataSource
  extends DataSourceWithBackend<ArmorlakeQuery, ArmorlakeOptions>
  implements
    DataSourceWithLogsContextSupport<ArmorlakeQuery>,
    DataSourceWithSupplementaryQueriesSupport<ArmorlakeQuery>,
    DataSourceWithToggleableQueryFiltersSupport<ArmorlakeQuery>,
    DataSourceWithQueryModificationSupport<ArmorlakeQuery>,
    DataSourceWithQueryImportSupport<ArmorlakeQuery>,
    DataSourceWithQueryExportSupport<ArmorlakeQuery>
{
  /** What the editors look up. */
  readonly resources: Resources;

  constructor(readonly instanceSettings: DataSourceInstanceSettings<ArmorlakeOptions>) {
    super(instanceSettings);
    this.resources = new Resources(instanceSettings.uid);
    this.variables = new ArmorlakeVariables(this);
    this.annotations = annotationSupport(this.defaultTable);
  }

  get defaultTable(): string | undefined {
    return this.instanceSettings.jsonData.defaultTable;
  }

  override getDefaultQuery(app: CoreApp): Partial<ArmorlakeQuery> {
    // A new panel is a time series to Grafana, which would draw a table's numbers as lines.
    const { time } = tableOf(this.defaultTable ?? settingDefaults.defaultTable);
    const type = time === null ? 'table' : app === CoreApp.Explore ? 'logs' : 'timeseries';
    return parseModel({ queryType: type }, this.defaultTable, this.instanceSettings.jsonData.rowLimit);
  }

  override getQueryDisplayText(query: ArmorlakeQuery): string {
    return queryText(query);
  }

  override filterQuery(query: ArmorlakeQuery): boolean {
    return isAsked(query);
  }

  override query(asked: DataQueryRequest<ArmorlakeQuery>): Observable<DataQueryResponse> {
    const { request, errors } = prepareRequest(asked, (...all) => this.applyTemplateVariables(...all));
    const failed = errors.length === 0 ? [] : [of({ data: [], errors, key: 'errors' })];
    if (asked.liveStreaming === true) return merge(...request.targets.map((query) => this.#tail(query)), ...failed);
    const answer = super.query(request).pipe(map(splitVolumes));
    const live = asked.app === CoreApp.Explore ? [] : request.targets.filter(isLive);
    return merge(
      live.length === 0 ? answer : answer.pipe(mergeMap((first) => this.#withTails(first, live))),
      ...failed,
    );
  }

  /** @throws QueryError */
  override applyTemplateVariables(
    query: ArmorlakeQuery,
    scopedVars: ScopedVars,
    filters?: AdHocVariableFilter[],
  ): ArmorlakeQuery {
    return prepareQuery(query, this.#prepareOptions(scopedVars, filters));
  }

  /** @throws QueryError */
  override interpolateVariablesInQueries(
    queries: ArmorlakeQuery[],
    scopedVars: ScopedVars,
    filters?: AdHocVariableFilter[],
  ): ArmorlakeQuery[] {
    return queries.map((query) => standAlone(query, this.#prepareOptions(scopedVars, filters)));
  }

  override getTagKeys(options?: DataSourceGetTagKeysOptions<ArmorlakeQuery>): Promise<MetricFindValue[]> {
    return tagKeys(this.resources, options);
  }

  override getTagValues(options: DataSourceGetTagValuesOptions<ArmorlakeQuery>): Promise<MetricFindValue[]> {
    return tagValues(this.resources, options);
  }

  getSupportedSupplementaryQueryTypes(): SupplementaryQueryType[] {
    return [SupplementaryQueryType.LogsVolume];
  }

  getSupplementaryQuery(options: SupplementaryQueryOptions, query: ArmorlakeQuery): ArmorlakeQuery | undefined {
    return options.type === SupplementaryQueryType.LogsVolume ? volumeQuery(query) : undefined;
  }

  getSupplementaryRequest(
    type: SupplementaryQueryType,
    request: DataQueryRequest<ArmorlakeQuery>,
  ): DataQueryRequest<ArmorlakeQuery> | undefined {
    return type === SupplementaryQueryType.LogsVolume ? volumeRequest(request) : undefined;
  }

  async getLogRowContext(
    row: LogRowModel,
    options?: LogRowContextOptions,
    query?: ArmorlakeQuery,
  ): Promise<DataQueryResponse> {
    const context = query === undefined ? null : contextQuery(query, row, options);
    if (context === null) return { data: [] };
    const range = contextRange(row, options);
    const answer = await lastValueFrom(
      this.query({
        requestId: `${context.refId}-${row.uid}`,
        interval: '1s',
        intervalMs: 1_000,
        range,
        scopedVars: {},
        targets: [context],
        timezone: 'utc',
        app: CoreApp.Explore,
        startTime: Date.now(),
        hideFromInspector: true,
      }),
    );
    const [error] = answer.errors ?? [];
    if (error !== undefined) throw new Error(error.message);
    return { ...answer, data: contextFrames(answer.data, options) };
  }

  getLogRowContextQuery(
    row: LogRowModel,
    _options?: LogRowContextOptions,
    query?: ArmorlakeQuery,
  ): Promise<ArmorlakeQuery | null> {
    return Promise.resolve(query === undefined ? null : surroundingsQuery(query, row));
  }

  toggleQueryFilter(query: ArmorlakeQuery, action: ToggleFilterAction): ArmorlakeQuery {
    return toggleFilter(query, action);
  }

  queryHasFilter(query: ArmorlakeQuery, filter: QueryFilterOptions): boolean {
    return hasFilter(query, filter);
  }

  override modifyQuery(query: ArmorlakeQuery, action: QueryFixAction): ArmorlakeQuery {
    return modifyQuery(query, action);
  }

  getSupportedQueryModifications(): string[] {
    return [...queryModifications];
  }

  importFromAbstractQueries(queries: AbstractQuery[]): Promise<ArmorlakeQuery[]> {
    return Promise.resolve(importQueries(queries, this.defaultTable));
  }

  exportToAbstractQueries(queries: ArmorlakeQuery[]): Promise<AbstractQuery[]> {
    return Promise.resolve(exportQueries(queries));
  }

  #prepareOptions(scopedVars: ScopedVars, filters?: AdHocVariableFilter[]): Parameters<typeof prepareQuery>[1] {
    const { defaultTable, rowLimit } = this.instanceSettings.jsonData;
    return { variables: dashboardVariables(getTemplateSrv(), scopedVars), filters, defaultTable, rowLimit };
  }

  #door(): TailDoor {
    return { uid: this.uid, live: getGrafanaLiveSrv(), nodes: () => this.resources.nodes() };
  }

  #tail(query: ArmorlakeQuery, begun: readonly DataFrame[] = []): Observable<DataQueryResponse> {
    return liveTail(this.#door(), query.refId, parseModel(query), begun);
  }

  /** The answer of the queries that end, and of each live one its rows, oldest first and going on. */
  #withTails(first: DataQueryResponse, live: readonly ArmorlakeQuery[]): Observable<DataQueryResponse> {
    const ofQuery = (refId: string): DataFrame[] => first.data.filter((frame: DataFrame) => frame.refId === refId);
    const ended: DataFrame[] = first.data.filter(
      ({ refId }: DataFrame) => !live.some((query) => query.refId === refId),
    );
    const tails = live.map((query) => this.#tail(query, ofQuery(query.refId).map(reverseDataFrame)));
    return merge(of({ ...first, data: ended, key: 'ended' }), ...tails);
  }
}
