import type { RecordBatch } from 'apache-arrow';
import { RecordBatchStreamWriter, Table, tableToIPC, vectorFromArray, Int32, Utf8 } from 'apache-arrow';
import { describe, expect, test } from 'vitest';
import { valueAt } from '../frames/vector.js';
import { PluginError } from '../errors.js';
import { decodeColumn } from './arrow-columns.js';
import { readArrowStream } from './arrow-stream.js';
import { decodeAnswer } from './ask.js';

/** An IPC stream of batches of these lengths: a text that is sometimes missing, and a number. */
function streamOf(lengths: readonly number[]): { readonly bytes: Buffer; readonly texts: readonly (string | null)[] } {
  const texts: (string | null)[] = [];
  const batches = lengths.flatMap((length) => {
    const own = Array.from({ length }, (_, row) =>
      (texts.length + row) % 3 === 0 ? null : `text ${texts.length + row}`,
    );
    texts.push(...own);
    const table = new Table({
      text: vectorFromArray(own, new Utf8()),
      number: vectorFromArray(
        own.map((_, row) => row),
        new Int32(),
      ),
    });
    return table.batches;
  });
  const writer = new RecordBatchStreamWriter();
  for (const batch of batches) writer.write(batch as RecordBatch);
  writer.finish();
  return { bytes: Buffer.from(writer.toUint8Array(true)), texts };
}

test('batches of any length are one column', () => {
  const { bytes, texts } = streamOf([1, 7, 8, 64, 3, 2048, 5]);
  // At an odd address, as a part of a larger answer may lie.
  const shifted = Buffer.concat([Buffer.from('x'), bytes]).subarray(1);
  const { fields, batches } = readArrowStream(shifted);
  const [field] = fields;
  if (field === undefined) throw new Error('no field');
  const { vector } = decodeColumn(
    field,
    batches.flatMap((columns) => columns.slice(0, 1)),
  );
  expect(Array.from({ length: vector.length }, (_, row) => valueAt(vector, row))).toEqual(texts);
});

describe('what is no whole answer is refused in a sentence', () => {
  const { bytes } = streamOf([10]);
  const dictionary = Buffer.from(tableToIPC(new Table({ text: vectorFromArray(['a', 'b']) })));

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['half', bytes.subarray(0, bytes.length / 2)],
    ['no end', bytes.subarray(0, -8)],
    ['text', Buffer.from('<html>Not found</html>')],
    ['a dictionary', dictionary],
  ])('%s', (_, broken) => {
    expect(() => readArrowStream(broken)).toThrow(PluginError);
    expect(() => readArrowStream(broken)).toThrow(/^The node's answer can't be read: /);
  });

  test('flipped bytes end in an answer or a sentence, never in another error', () => {
    for (let at = 0; at < bytes.length; at += 1) {
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] ?? 0) ^ 0xff;
      try {
        decodeAnswer({ body: flipped, trailers: {} }, 100, 1);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(PluginError);
      }
    }
  });

  test('an answer without coverage', () => {
    expect(() => decodeAnswer({ body: bytes, trailers: {} }, 100, 1)).toThrow(/no coverage that can be read/);
  });
});
