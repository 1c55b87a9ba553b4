import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, DescMethod, MessageInitShape, MessageShape } from '@bufbuild/protobuf';

/** The bytes of a message, or of what `create` makes one from; the Buffer shares memory with what protobuf-es wrote. */
export function encodeMessage<D extends DescMessage>(schema: D, value: MessageInitShape<D>): Buffer {
  const bytes = toBinary(schema, create(schema, value));
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The message in these bytes. @throws whatever protobuf-es throws on bytes it can't read */
export function decodeMessageOf<D extends DescMessage>(schema: D, bytes: Uint8Array): MessageShape<D> {
  return fromBinary(schema, bytes);
}

/** The method's path on the wire, as `/feeder.LogService/WatchAlerts`. */
export function methodPath(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** Messages that stay bytes. */
export function sameBuffer(bytes: Buffer): Buffer {
  return bytes;
}
