import { createReadStream } from 'node:fs';
import type { AlertFields, LogFields, MessageFields } from '@armorlake/proto';
import { feeder } from '@armorlake/proto';
import type { DescField } from '@bufbuild/protobuf';
import type { KubeArmorEvent } from '../connectors/index.js';
import { decodedName, readJsonEvent } from '../connectors/index.js';
import { ArmorlakeError, hasErrno, messageOf } from '../core/index.js';
import type { Recorded } from '../intake/index.js';
import { RecordingReader, decompressed } from '../intake/index.js';
import { EventFinisher } from './encode.js';
import type { Draft, SimulatedEvent } from './event.js';

/** The events of a recording, content and times as they are, paced by `rate`. */
export function* replayEvents(drafts: readonly Draft[], rate: number): Generator<SimulatedEvent, void> {
  const finisher = new EventFinisher();
  for (const [index, draft] of drafts.entries()) yield finisher.finish(draft, Math.floor((index * 1_000_000) / rate));
}

/**
 * Reads a recording in any form that import takes.
 * @throws ArmorlakeError BAD_REQUEST when the file can't be read or a record is no KubeArmor event
 */
export async function readRecording(file: string): Promise<readonly Draft[]> {
  const drafts: Draft[] = [];
  const reader = new RecordingReader();
  const take = (records: Iterable<Recorded>): void => {
    for (const record of records) drafts.push(draftOf(record, file));
  };
  try {
    const bytes = createReadStream(file) as AsyncIterable<Uint8Array>;
    for await (const chunk of decompressed(bytes, { name: file, layer: () => undefined })) take(reader.push(chunk));
    take(reader.end());
  } catch (thrown) {
    if (thrown instanceof ArmorlakeError) throw thrown;
    const reason = hasErrno(thrown, 'ENOENT') ? 'there is no such file' : messageOf(thrown);
    throw new ArmorlakeError('BAD_REQUEST', `The recording ${file} can't be replayed: ${reason}.`, { cause: thrown });
  }
  if (drafts.length === 0) {
    throw new ArmorlakeError('BAD_REQUEST', `The recording ${file} holds no event.`, {
      hint: 'Record one with `karmor logs --json --logFilter all`.',
    });
  }
  return drafts;
}

function draftOf(record: Recorded, file: string): Draft {
  if ('error' in record) throw new ArmorlakeError('BAD_REQUEST', `${file}, line ${record.line}: ${record.error}`);
  const { decoded } = readJsonEvent(record.event, record.invalidUtf8);
  switch (decoded.kind) {
    case 'logs':
      return { stream: 'logs', event: wireFields(decoded, feeder.LogSchema.fields) };
    case 'alerts':
      return { stream: 'alerts', event: wireFields(decoded, feeder.AlertSchema.fields) };
    case 'messages':
      return { stream: 'messages', event: wireFields(decoded, feeder.MessageSchema.fields) };
  }
}

type WireFields = LogFields & AlertFields & MessageFields;

/** The fields as the wire has them; what proto3 takes for unset is left out. */
function wireFields({ event }: KubeArmorEvent, fields: readonly DescField[]): WireFields {
  const decoded: Readonly<Record<string, unknown>> = { ...event };
  const wire: Record<string, unknown> = {};
  for (const { localName, fieldKind, message } of fields) {
    const value = decoded[decodedName(localName)];
    if (value === undefined || value === '' || value === 0) continue;
    if (fieldKind === 'map') wire[localName] = pairsOf(value);
    else if (message !== undefined) wire[localName] = namedFields(value, message.fields);
    // A uid from 2^31 on is negative on the wire.
    else wire[localName] = localName === 'UID' ? Number(value) | 0 : value;
  }
  return wire;
}

function pairsOf(flat: unknown): Readonly<Record<string, string>> {
  const parts: readonly unknown[] = Array.isArray(flat) ? flat : [];
  const keys = parts.filter((_, index) => index % 2 === 0);
  return Object.fromEntries(keys.map((key, index) => [String(key), String(parts[2 * index + 1])]));
}

function namedFields(value: unknown, fields: readonly DescField[]): Readonly<Record<string, unknown>> {
  const inner: Readonly<Record<string, unknown>> = typeof value === 'object' ? { ...value } : {};
  return Object.fromEntries(fields.map(({ localName }) => [localName, inner[decodedName(localName)]]));
}
