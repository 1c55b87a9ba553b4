import { FieldType } from '@grafana/data';
import type { DataFrame, DataQueryRequest, DataQueryResponse } from '@grafana/data';
import { QueryError, logsVolumeQuery, parseModel } from '../../shared/index.js';
import type { ArmorlakeQuery } from '../types.js';

/** Grafana takes the query's name behind this for the one whose volume it is. */
const PREFIX = 'log-volume-';

/** What asks for the counts of a logs query by level; undefined: it shows no logs, or its rows are somebody's SQL. */
export function volumeQuery(query: ArmorlakeQuery): ArmorlakeQuery | undefined {
  if (query.hide === true) return undefined;
  try {
    const model = logsVolumeQuery(parseModel(query));
    return model === null ? undefined : { ...query, ...model, refId: `${PREFIX}${query.refId}` };
  } catch (thrown) {
    // The query itself is asked as well, and says what is wrong.
    if (thrown instanceof QueryError) return undefined;
    throw thrown;
  }
}

/** The request for the volumes of all its logs queries; undefined: none shows logs. */
export function volumeRequest(request: DataQueryRequest<ArmorlakeQuery>): DataQueryRequest<ArmorlakeQuery> | undefined {
  const targets = request.targets.flatMap((query) => volumeQuery(query) ?? []);
  return targets.length === 0 ? undefined : { ...request, targets };
}

/** Explore draws one level from each frame: a frame with a field for each level becomes a frame for each level. */
export function splitVolumes(response: DataQueryResponse): DataQueryResponse {
  return { ...response, data: response.data.flatMap((frame: DataFrame) => splitVolume(frame)) };
}

function splitVolume(frame: DataFrame): readonly DataFrame[] {
  const time = frame.fields.find(({ type }) => type === FieldType.time);
  const counts = frame.fields.filter(({ type }) => type === FieldType.number);
  if (frame.refId?.startsWith(PREFIX) !== true || time === undefined || counts.length === 0) return [frame];
  return counts.map((count) => ({ ...frame, fields: [time, count] }));
}
