import { readFile } from 'node:fs/promises';
import type { AlertFields, LogFields } from '@armorlake/proto';
import { feeder } from '@armorlake/proto';
import { ScalarType } from '@bufbuild/protobuf';
import type { DescField } from '@bufbuild/protobuf';
import { ArmorlakeError, hasErrno } from '../core/index.js';
import { EventFinisher } from './encode.js';
import type { Draft, SimulatedEvent } from './event.js';

/** The events of a recording (`karmor logs --json`, one object a line), content and times as they are, paced by `rate`. */
export function* replayEvents(drafts: readonly Draft[], rate: number): Generator<SimulatedEvent, void> {
  const finisher = new EventFinisher();
  for (const [index, draft] of drafts.entries()) yield finisher.finish(draft, Math.floor((index * 1_000_000) / rate));
}

/** @throws ArmorlakeError BAD_REQUEST when the file can't be read or a line is no KubeArmor event */
export async function readRecording(file: string): Promise<readonly Draft[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    const reason = hasErrno(error, 'ENOENT') ? 'there is no such file' : String(error);
    throw new ArmorlakeError('BAD_REQUEST', `The recording ${file} can't be replayed: ${reason}.`, { cause: error });
  });
  const drafts = text
    .split('\n')
    .map((line, index) => ({ line: line.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '')
    .map(({ line, number }) => draftOf(line, `${file}, line ${number}`));
  if (drafts.length === 0) {
    throw new ArmorlakeError('BAD_REQUEST', `The recording ${file} holds no event.`, {
      hint: 'Record one with `karmor logs --json --logFilter all`.',
    });
  }
  return drafts;
}

function draftOf(line: string, where: string): Draft {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new ArmorlakeError('BAD_REQUEST', `${where}, is no JSON.`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ArmorlakeError('BAD_REQUEST', `${where}, is no JSON object.`);
  }
  const record: Readonly<Record<string, unknown>> = { ...value };
  return isAlert(record)
    ? { stream: 'alerts', event: knownFields(record, feeder.AlertSchema.fields) }
    : { stream: 'logs', event: knownFields(record, feeder.LogSchema.fields) };
}

function isAlert(record: Readonly<Record<string, unknown>>): boolean {
  const type = typeof record['Type'] === 'string' ? record['Type'] : '';
  return (
    type.startsWith('Matched') ||
    type === 'SystemEvent' ||
    record['PolicyName'] !== undefined ||
    record['Action'] !== undefined
  );
}

/** What the wire has of a recorded object; fields of other programs (tenant_id, …) and of the wrong type stay behind. */
function knownFields(record: Readonly<Record<string, unknown>>, fields: readonly DescField[]): LogFields & AlertFields {
  const known: Record<string, unknown> = {};
  for (const field of fields) {
    const value = record[field.localName];
    if (field.fieldKind === 'scalar') {
      if (typeof value === (field.scalar === ScalarType.STRING ? 'string' : 'number')) known[field.localName] = value;
    } else if (field.fieldKind === 'list') {
      if (Array.isArray(value)) known[field.localName] = value.map(String);
    } else if (typeof value === 'object' && value !== null) {
      known[field.localName] = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, String(each)]));
    }
  }
  return known;
}
