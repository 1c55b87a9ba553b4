import { RecordBatchFileReader } from 'apache-arrow';

export interface DecodedField {
  readonly name: string;
  /** Arrow's own name of the type; `?` at its end: nullable. */
  readonly type: string;
  readonly labels?: unknown;
  readonly config?: unknown;
  /** Times as ns since 1970, 64-bit integers, NaN and Infinity as text, JSON as its text. */
  readonly values: readonly unknown[];
}

export interface DecodedFrame {
  readonly name: string;
  readonly refId: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly fields: readonly DecodedField[];
}

/** A frame as Grafana's decoder would read it, by apache-arrow. */
export function decodeFrame(bytes: Uint8Array): DecodedFrame {
  const reader = RecordBatchFileReader.from(bytes).open();
  const { schema } = reader;
  const batches = [...reader];
  return {
    name: schema.metadata.get('name') ?? '',
    refId: schema.metadata.get('refId') ?? '',
    meta: (jsonOf(schema.metadata.get('meta')) ?? {}) as Record<string, unknown>,
    fields: schema.fields.map((field, index) => {
      const labels = jsonOf(field.metadata.get('labels'));
      const config = jsonOf(field.metadata.get('config'));
      return {
        name: field.name,
        type: `${String(field.type)}${field.nullable ? '?' : ''}`,
        ...(labels === undefined ? {} : { labels }),
        ...(config === undefined ? {} : { config }),
        values: batches.flatMap((batch) => {
          const column = batch.getChildAt(index);
          if (column === null) return [];
          // apache-arrow reads times as ms, which loses the rest.
          const raw = String(field.type).startsWith('Timestamp') ? (column.data[0]?.values as BigInt64Array) : null;
          return Array.from({ length: column.length }, (_, row) => {
            const value: unknown = column.get(row);
            return value === null ? null : readable(raw === null ? value : raw[row]);
          });
        }),
      };
    }),
  };
}

function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  // Neither is JSON.
  return typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value)) ? String(value) : value;
}

function jsonOf(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text);
}
