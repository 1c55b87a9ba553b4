import type { Socket } from 'node:net';
import type { ControlFrame } from './types.js';
import { FrameReader, parseControl, writeControl, writeFrame } from './frames.js';

export interface ChannelEvents {
  control(frame: ControlFrame): void;
  bulk(id: number, payload: ArrayBuffer): void;
  /** Once, when either socket has ended or failed. */
  closed(): void;
}

/** The two connections between an engine and the API process: JSON on one, bytes on the other. */
export class Channel {
  readonly #control: Socket;
  readonly #bulk: Socket;
  #closed = false;

  /** Both sockets are connected and past their greeting. */
  constructor(control: Socket, bulk: Socket, events: ChannelEvents) {
    this.#control = control;
    this.#bulk = bulk;
    const close = (): void => {
      if (this.#closed) return;
      this.close();
      events.closed();
    };
    const controlReader = new FrameReader((_id, payload) => events.control(parseControl(payload)));
    const bulkReader = new FrameReader((id, payload) => events.bulk(id, payload));
    for (const [socket, reader] of [
      [control, controlReader],
      [bulk, bulkReader],
    ] as const) {
      socket.on('data', (bytes: Buffer) => {
        try {
          reader.push(bytes);
        } catch {
          // A stream of frames that lost its place can't be used any more.
          close();
        }
      });
      socket.on('error', close);
      socket.on('close', close);
      socket.resume();
    }
  }

  sendControl(frame: ControlFrame): void {
    if (!this.#closed) writeControl(this.#control, frame);
  }

  sendBulk(id: number, payload: Uint8Array): void {
    if (!this.#closed) writeFrame(this.#bulk, id, payload);
  }

  close(): void {
    this.#closed = true;
    this.#control.destroy();
    this.#bulk.destroy();
  }
}
