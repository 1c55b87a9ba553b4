import type { ArmorlakeModel, CompiledQuery, QueryContext } from '../../shared/index.js';
import { bucketEnd, bucketStarts, bucketsOf } from '../../shared/index.js';
import { PluginError } from '../errors.js';
import { annotationFrames } from '../frames/annotations.js';
import { wholeBuckets } from '../frames/cut-answer.js';
import type { Frame } from '../frames/frame.js';
import { graphFrames } from '../frames/graph.js';
import { logFrames } from '../frames/logs.js';
import { numericFrames } from '../frames/numeric.js';
import { tableFrames } from '../frames/table.js';
import { timeSeriesFrames } from '../frames/time-series.js';
import { traceFrames } from '../frames/trace.js';
import { treeFrames } from '../frames/tree.js';
import { isNumeric } from '../frames/vector.js';
import type { Answer, QuerySettings } from './types.js';

export interface FrameWish {
  readonly model: ArmorlakeModel;
  readonly compiled: Pick<CompiledQuery, 'fill' | 'bucketMs'>;
  readonly context: QueryContext;
  readonly settings: QuerySettings;
  readonly alert: boolean;
  /** Grafana computes with it: only numbers will do, and they are typed. */
  readonly computed: boolean;
  readonly nowMs: number;
  /** Uid of the dashboard that asks. */
  readonly dashboard: string | undefined;
  /** Uid of the data source. */
  readonly dataSource: string;
}

/** @throws PluginError BAD_QUERY for a query type that an alert rule can't judge, before any node is asked. */
export function checkAlertType({ queryType }: Pick<ArmorlakeModel, 'queryType'>): void {
  if (queryType === 'table' || queryType === 'timeseries') return;
  throw new PluginError('BAD_QUERY', 'An alert rule needs numbers, and this query type has none.', {
    hint: 'Choose Time series, or Table with an aggregate.',
  });
}

/** The answer in the form of its query type. @throws PluginError BAD_QUERY when it can't take that form. */
export function framesOf(answer: Answer, wish: FrameWish): readonly Frame[] {
  const { model, settings, computed, dashboard, dataSource } = wish;
  const place = { links: settings.links, dashboard, dataSource };
  switch (model.queryType) {
    case 'table':
      if (!computed) return tableFrames(answer, { ...place, alerts: asksAlerts(model) });
      return isSeries(answer) ? seriesFrames(answer, wish) : numericFrames(answer);
    case 'timeseries':
      return seriesFrames(answer, wish);
    case 'annotations':
      return annotationFrames(answer);
    case 'logs':
      return logFrames(answer, place);
    case 'graph':
      return graphFrames(answer, model, place);
    case 'tree':
      if (model.process.view === 'waterfall') return traceFrames(answer, model);
      return treeFrames(answer, model, place);
  }
}

/** Whether it asks alerts alone, whose outcomes are all a policy's concern. */
function asksAlerts({ editor, sql, builder }: ArmorlakeModel): boolean {
  const tables = editor === 'sql' ? sql.toLowerCase() : builder.table;
  return tables.includes('kubearmor.alerts') && !/kubearmor\.(events|logs)/.test(tables);
}

function isSeries({ columns }: Answer): boolean {
  return columns.some(({ vector }) => vector.kind === 'time') && columns.some(({ vector }) => isNumeric(vector));
}

function seriesFrames(answer: Answer, wish: FrameWish): readonly Frame[] {
  const { compiled, context, model, alert, computed, nowMs } = wish;
  const { fill, bucketMs } = compiled;
  if (bucketMs === null) return timeSeriesFrames(answer, { fill, bucketStarts: [], bucketEnd: null, alert });
  // What is still to come is not empty.
  const toMs = Math.min(context.toMs, nowMs);
  const past = bucketsOf({ fromMs: context.fromMs, toMs }, bucketMs, model.timezone);
  const around = { fromMs: context.fromMs - bucketMs, toMs: context.toMs + 2 * bucketMs };
  const edges = bucketsOf(around, bucketMs, model.timezone);
  const whole = wholeBuckets(answer);
  const starts = fill.mode === 'none' || toMs <= context.fromMs ? [] : bucketStarts(past);
  return timeSeriesFrames(whole.answer, {
    fill,
    bucketStarts: starts.filter(whole.isWhole),
    bucketEnd: computed || model.derived !== undefined ? null : (start) => bucketEnd(start, edges),
    alert,
  });
}
