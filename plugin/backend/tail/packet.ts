import type { Notice } from '../frames/frame.js';
import type { Line, LiveField } from './lines.js';

/** A frame in Grafana's JSON form; each has its schema, so that whoever comes late understands it. */
export function packetOf(fields: readonly LiveField[], lines: readonly Line[], notice: Notice | null): Buffer {
  const schema = {
    name: 'tail',
    meta: {
      type: 'log-lines',
      typeVersion: [0, 0],
      preferredVisualisationType: 'logs',
      notices: notice === null ? [] : [notice],
    },
    fields,
  };
  const values = fields.map((_, field) => `[${lines.map((line) => line[field] ?? 'null').join(',')}]`);
  return Buffer.from(`{"schema":${JSON.stringify(schema)},"data":{"values":[${values.join(',')}]}}`);
}
