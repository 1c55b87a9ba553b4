/** Takes the stream's first message (its schema) apart from the rest, and writes it anew with metadata. */
export async function* withArrowMetadata(
  chunks: AsyncIterable<Uint8Array>,
  metadata: () => Readonly<Record<string, string>>,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Loaded by the first Arrow answer only.
  const { RecordBatchReader, RecordBatchStreamWriter, Schema } = await import('apache-arrow');
  let first = true;
  for await (const chunk of chunks) {
    if (!first) {
      yield chunk;
      continue;
    }
    first = false;
    // The engine sends the schema message as a chunk of its own.
    const { schema } = RecordBatchReader.from(Buffer.concat([chunk, END_OF_STREAM])).open();
    const writer = new RecordBatchStreamWriter();
    writer.reset(undefined, new Schema(schema.fields, new Map(Object.entries(metadata()))));
    writer.finish();
    yield writer.toUint8Array(true).subarray(0, -END_OF_STREAM.length);
  }
}

const END_OF_STREAM = Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
