import { dataFrameFromJSON } from '@grafana/data';
import type { DataFrame, DataFrameJSON, Field } from '@grafana/data';

/**
 * The newest rows of a live tail, never more than `most`: packets are put behind each other, a row that came before (its `id`
 * says so) is left out, the oldest go. Rows keep the order they came in.
 */
export class TailBuffer {
  readonly #most: number;
  readonly #refId: string;
  #schema: DataFrameJSON['schema'];
  #frame: DataFrame | null = null;
  #ids = new Set<unknown>();
  /** Of the answer it began with: how complete that was stays true of its rows. */
  #begun: DataFrame['meta'];

  constructor(refId: string, most: number) {
    this.#refId = refId;
    this.#most = Math.max(1, most);
  }

  /** What is held: null before the first packet. */
  get frame(): DataFrame | null {
    return this.#frame;
  }

  /** Takes over the rows of an ordinary answer, which are the newest first or the oldest first. */
  begin(frame: DataFrame): void {
    this.#begun = frame.meta;
    this.#append(frame);
  }

  /** Takes a packet of the channel; one without a schema has that of the last one. */
  push(packet: DataFrameJSON): void {
    this.#schema = packet.schema ?? this.#schema;
    if (this.#schema === undefined) return;
    this.#append(dataFrameFromJSON({ ...packet, schema: this.#schema }));
  }

  #append(added: DataFrame): void {
    const held = this.#frame !== null && sameFields(this.#frame, added) ? this.#frame : null;
    if (held === null) this.#ids = new Set();
    const fresh = this.#freshRows(added);
    const kept = held === null ? 0 : Math.max(0, Math.min(held.length, this.#most - fresh.length));
    const first = (held?.length ?? 0) - kept;
    const rows = fresh.slice(-this.#most);
    const fields = added.fields.map((field, index) => joined(held?.fields[index], first, field, rows));
    const meta = metaOf(this.#begun, added.meta);
    this.#frame = { ...added, refId: this.#refId, fields, length: kept + rows.length, ...(meta && { meta }) };
    const ids = fields.find(({ name }) => name === 'id');
    this.#ids = new Set(ids?.values ?? []);
  }

  #freshRows(added: DataFrame): readonly number[] {
    const ids = added.fields.find(({ name }) => name === 'id')?.values;
    const rows: number[] = [];
    for (let row = 0; row < added.length; row++) {
      const id: unknown = ids?.[row];
      if (ids !== undefined && this.#ids.has(id)) continue;
      this.#ids.add(id);
      rows.push(row);
    }
    return rows;
  }
}

/** What a packet says, and what the answer said before it: a notice stays until there is another one. */
function metaOf(begun: DataFrame['meta'], added: DataFrame['meta']): DataFrame['meta'] {
  if (begun === undefined) return added;
  const notices = [added?.notices, begun.notices].find((each) => each !== undefined && each.length > 0);
  return { ...begun, ...added, custom: begun.custom, ...(notices && { notices }) };
}

function sameFields(left: DataFrame, right: DataFrame): boolean {
  return (
    left.fields.length === right.fields.length &&
    left.fields.every(
      ({ name, type }, index) => right.fields[index]?.name === name && right.fields[index].type === type,
    )
  );
}

function joined(held: Field | undefined, first: number, added: Field, rows: readonly number[]): Field {
  const pick = (values: readonly unknown[]): unknown[] => rows.map((row) => values[row]);
  const old: readonly unknown[] = held?.values.slice(first) ?? [];
  const field: Field = {
    name: added.name,
    type: added.type,
    config: added.config,
    values: [...old, ...pick(added.values)],
  };
  if (added.labels !== undefined) field.labels = added.labels;
  if (added.nanos !== undefined || held?.nanos !== undefined) {
    const nanosOf = (nanos: readonly number[] | undefined, row: number): number => nanos?.[row] ?? 0;
    field.nanos = [
      ...old.map((_, index) => nanosOf(held?.nanos, first + index)),
      ...rows.map((row) => nanosOf(added.nanos, row)),
    ];
  }
  return field;
}
