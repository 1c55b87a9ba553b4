import type { Socket } from 'node:net';
import { ArmorlakeError, messageOf } from '../core/index.js';
import type { ControlFrame } from './types.js';

/** Every frame on an engine's sockets: u32 length of the payload | u32 call id (0 on the control socket) | payload. */
const HEADER_BYTES = 8;

/** No frame is longer: a batch of the largest events stays far below. */
export const MAX_FRAME_BYTES = 1 << 30;

/** Puts frames together from a socket's bytes; each payload gets an ArrayBuffer of its own. */
export class FrameReader {
  readonly #onFrame: (id: number, payload: ArrayBuffer) => void;
  readonly #header = Buffer.alloc(HEADER_BYTES);
  #headerLength = 0;
  #payload: Uint8Array | null = null;
  #payloadLength = 0;

  constructor(onFrame: (id: number, payload: ArrayBuffer) => void) {
    this.#onFrame = onFrame;
  }

  /** Takes the next bytes; throws BAD_REQUEST on a frame over the limit. */
  push(bytes: Uint8Array): void {
    let at = 0;
    // A frame without payload is complete with its header, so the loop asks once more at the end.
    while (at < bytes.length || this.#complete()) {
      if (this.#payload === null) {
        at += this.#takeHeader(bytes, at);
      } else {
        const take = Math.min(this.#payload.length - this.#payloadLength, bytes.length - at);
        this.#payload.set(bytes.subarray(at, at + take), this.#payloadLength);
        this.#payloadLength += take;
        at += take;
      }
      this.#emitIfComplete();
    }
  }

  #complete(): boolean {
    return this.#payload !== null && this.#payloadLength === this.#payload.length;
  }

  #takeHeader(bytes: Uint8Array, at: number): number {
    const take = Math.min(HEADER_BYTES - this.#headerLength, bytes.length - at);
    this.#header.set(bytes.subarray(at, at + take), this.#headerLength);
    this.#headerLength += take;
    if (this.#headerLength === HEADER_BYTES) {
      const length = this.#header.readUInt32LE(0);
      if (length > MAX_FRAME_BYTES) {
        throw new ArmorlakeError('BAD_REQUEST', `A frame of ${length} bytes is over the limit of ${MAX_FRAME_BYTES}.`);
      }
      this.#payload = new Uint8Array(new ArrayBuffer(length));
      this.#payloadLength = 0;
    }
    return take;
  }

  #emitIfComplete(): void {
    const payload = this.#payload;
    if (payload === null || this.#payloadLength < payload.length) return;
    this.#payload = null;
    this.#headerLength = 0;
    if (payload.buffer instanceof ArrayBuffer) this.#onFrame(this.#header.readUInt32LE(4), payload.buffer);
  }
}

/** Sends one frame; the payload must not change afterwards (it is not copied). */
export function writeFrame(socket: Socket, id: number, payload: Uint8Array): void {
  const header = Buffer.allocUnsafe(HEADER_BYTES);
  header.writeUInt32LE(payload.byteLength, 0);
  header.writeUInt32LE(id, 4);
  socket.cork();
  socket.write(header);
  if (payload.byteLength > 0) socket.write(payload);
  socket.uncork();
}

export function writeControl(socket: Socket, frame: ControlFrame): void {
  writeFrame(socket, 0, Buffer.from(JSON.stringify(frame)));
}

/** A control frame from its bytes. Both ends are ours and of one version, so only the envelope is checked. */
export function parseControl(payload: ArrayBuffer): ControlFrame {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(payload).toString('utf8'));
  } catch (thrown) {
    throw new ArmorlakeError('INTERNAL', `A control frame of the engine is no JSON: ${messageOf(thrown)}`);
  }
  if (!isControlFrame(value)) throw new ArmorlakeError('INTERNAL', 'A control frame of the engine has no known type.');
  return value;
}

const frameTypes: ReadonlySet<unknown> = new Set(['call', 'cancel', 'head', 'credit', 'result', 'error']);

function isControlFrame(value: unknown): value is ControlFrame {
  return (
    typeof value === 'object' &&
    value !== null &&
    'type' in value &&
    frameTypes.has(value.type) &&
    'id' in value &&
    typeof value.id === 'number'
  );
}
