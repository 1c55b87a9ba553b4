import { grafanaPlugin } from '@armorlake/proto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

type QueryAnswers = MessageInitShape<typeof grafanaPlugin.QueryDataResponseSchema>;
type DataResponse = NonNullable<QueryAnswers['responses']>[string];

/** Field numbers of QueryDataResponse, of an entry of its map, and of DataResponse. */
const RESPONSES = 1;
const KEY = 1;
const VALUE = 2;
const FRAMES = 1;

/** A QueryDataResponse on the wire; protobuf-es copies the frames once for each message they lie in, this only once. */
export function encodeQueryAnswers({ responses = {} }: QueryAnswers): Buffer {
  const writer = new BinaryWriter();
  for (const [refId, response] of Object.entries(responses)) {
    const parts = partsOf(response);
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    const head = new BinaryWriter().tag(KEY, WireType.LengthDelimited).string(refId);
    const entry = head.tag(VALUE, WireType.LengthDelimited).uint32(bytes).finish();
    writer.tag(RESPONSES, WireType.LengthDelimited).uint32(entry.length + bytes);
    for (const part of [entry, ...parts]) writer.raw(part);
  }
  const { buffer, byteOffset, byteLength } = writer.finish();
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** The bytes of a DataResponse, the frames as they are; a message's fields may come in any order. */
function partsOf({ frames = [], ...rest }: DataResponse): readonly Uint8Array[] {
  const head = toBinary(
    grafanaPlugin.DataResponseSchema,
    create(grafanaPlugin.DataResponseSchema, { ...rest, frames: [] }),
  );
  const tagged = frames.flatMap((frame) => [
    new BinaryWriter().tag(FRAMES, WireType.LengthDelimited).uint32(frame.length).finish(),
    frame,
  ]);
  return [head, ...tagged];
}
