import { LogRowContextQueryDirection, dateTime, rangeUtil, reverseDataFrame } from '@grafana/data';
import type { DataFrame, LogRowContextOptions, LogRowModel, TimeRange } from '@grafana/data';
import { defaultBuilder, logContextQuery, parseModel, tableAround, unprintable } from '../../shared/index.js';
import type { Filter, LogContext } from '../../shared/index.js';
import type { ArmorlakeQuery } from '../types.js';

/** Rows a direction asks for at once when Grafana doesn't say. */
const PAGE = 50;
/** As far as the context's SQL looks, ms. */
const REACH_MS = 24 * 3_600_000;

/** The event that a row of a logs frame shows; null: the row has no identity (SQL that leaves node or seq out). */
export function eventOf(row: LogRowModel): Omit<LogContext, 'kind' | 'direction' | 'limit'> | null {
  const { rowId, labels, timeEpochNs } = row;
  const slash = rowId?.lastIndexOf('/') ?? -1;
  const node = slash > 0 ? rowId?.slice(0, slash) : labels['node'];
  const seq = slash > 0 ? rowId?.slice(slash + 1) : labels['seq'];
  if (node === undefined || node === '' || seq === undefined || !/^\d+$/u.test(seq)) return null;
  return { node, seq, timeNs: timeEpochNs };
}

/** What asks for the rows before or after an event; null: the row has no identity. @throws QueryError */
export function contextQuery(
  query: ArmorlakeQuery,
  row: LogRowModel,
  options: LogRowContextOptions = {},
): ArmorlakeQuery | null {
  const event = eventOf(row);
  if (event === null) return null;
  const direction = options.direction === LogRowContextQueryDirection.Forward ? 'after' : 'before';
  const model = logContextQuery(parseModel(query), { direction, limit: options.limit ?? PAGE, ...event });
  return { ...query, ...model, refId: `${row.dataFrame.refId ?? query.refId}-${direction}`, hide: false };
}

/** The range of a context query. */
export function contextRange(row: LogRowModel, options: LogRowContextOptions = {}): TimeRange {
  const forward = options.direction === LogRowContextQueryDirection.Forward;
  const { timeEpochMs } = row;
  const from = dateTime(forward ? timeEpochMs : timeEpochMs - REACH_MS);
  // The range's end is open, and the event's own millisecond may hold more rows.
  const to = dateTime(forward ? timeEpochMs + REACH_MS : timeEpochMs + 1);
  return rangeUtil.convertRawToRange({ from, to });
}

/** Newest first, as Grafana's log views expect a context: rows after an event come oldest first. */
export function contextFrames(frames: readonly DataFrame[], options: LogRowContextOptions = {}): DataFrame[] {
  const forward = options.direction === LogRowContextQueryDirection.Forward;
  return frames.map((frame) => (forward ? reverseDataFrame(frame) : frame));
}

/** The query that shows the same surroundings in a pane of its own: the events of the row's node, and of its pod where the row shows it. */
export function surroundingsQuery(query: ArmorlakeQuery, row: LogRowModel): ArmorlakeQuery | null {
  const event = eventOf(row);
  if (event === null) return null;
  const place: readonly Filter[] = (['namespace', 'pod'] as const).flatMap((column) => {
    const value = row.labels[column];
    return value === undefined ? [] : [{ column, operator: 'is', values: [unprintable(value)] } as const];
  });
  const { derived: _, ...rest } = query;
  const table = tableAround(query.editor === 'sql' ? undefined : query.builder?.table);
  return {
    ...rest,
    refId: query.refId,
    queryType: 'logs',
    editor: 'builder',
    scope: { clusters: [], labels: {}, ...query.scope, nodes: [event.node] },
    builder: { ...defaultBuilder(table, 'logs'), filters: place },
  };
}
