import { readFileSync } from 'node:fs';
import { fromBinary } from '@bufbuild/protobuf';
import { FeederDecoder, feeder } from '@armorlake/proto';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../backend/src/core/index.js';
import { LakeStore } from '../backend/src/lake/host.js';
import { noExtras } from '../backend/src/lake/writer.js';
import { ARRIVAL_MS, HubFixture } from './support/connector-lane.js';
import type { PlainEvent } from './support/expected-rows.js';
import { expectedRow } from './support/expected-rows.js';
import { DataFolder } from './support/lake-fixture.js';

const wire = readFileSync(new URL('data/kubearmor-wire.ndjson', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { readonly stream: string; readonly message: string })
  .map(({ stream, message }) => ({
    kind: stream === 'WatchAlerts' ? ('alerts' as const) : ('logs' as const),
    bytes: Buffer.from(message, 'base64'),
  }));

describe('from the wire to DuckDB', () => {
  it('the recorded messages are there field by field, their seq contiguous', async () => {
    const decoder = new FeederDecoder();
    const fixture = new HubFixture();
    for (const { kind, bytes } of wire) {
      const arrival = { connector: 'ka', cluster: null, receivedAt: ARRIVAL_MS * 1000, size: bytes.length };
      fixture
        .sinkOf(fixture.hub.lane(kind))
        .take(bytes, kind, arrival, (message) =>
          kind === 'logs' ? { kind, event: decoder.decodeLog(message) } : { kind, event: decoder.decodeAlert(message) },
        );
    }
    fixture.hub.lane('logs').flush();
    fixture.hub.lane('alerts').flush();
    using folder = new DataFolder();
    const store = await LakeStore.open({
      settings: folder.settings(),
      facts: { resumed: false, openCrashes: 0 },
      logger: silentLogger,
      lockWaitMs: 0,
    });
    for (const [index, { buffer }] of fixture.batches.entries()) await store.append(index + 1, buffer, noExtras);
    const connection = await store.openReader();
    let seq = 0n;
    for (const kind of ['logs', 'alerts'] as const) {
      const schema = kind === 'alerts' ? feeder.AlertSchema : feeder.LogSchema;
      const expected = wire
        .filter((message) => message.kind === kind)
        .map(({ bytes }) => expectedRow(fromBinary(schema, bytes) as PlainEvent, 'ka', kind === 'alerts'));
      const reader = await connection.runAndReadAll(`SELECT * FROM kubearmor.${kind} ORDER BY seq`);
      const rows = reader.getRowObjects().map((row) => Object.fromEntries(Object.entries(row).map(plain)));
      expect(rows).toEqual(expected.map((row) => ({ ...row, node: 'node-1', seq: ++seq })));
    }
    store.closeReader(connection);
    await store.close();
  });
});

/** DuckDB's own value classes as the tests' plain values. */
function plain([name, value]: [string, unknown]): [string, unknown] {
  if (typeof value !== 'object' || value === null) return [name, value];
  if ('micros' in value) return [name, value.micros];
  if ('items' in value) return [name, value.items];
  if ('entries' in value && Array.isArray(value.entries)) {
    return [name, value.entries.map((entry: { key: unknown; value: unknown }) => [entry.key, entry.value])];
  }
  return [name, value];
}
