import type { Socket } from 'node:net';
import { FrameReader, writeFrame } from './frames.js';

/** What an engine says first on each of its connections. */
export interface Greeting {
  readonly channel: 'control' | 'bulk';
  /** Which start of the engine this is, so that a late connection of an old one isn't mistaken for the new one's. */
  readonly generation: number;
}

export function sendGreeting(socket: Socket, greeting: Greeting): void {
  writeFrame(socket, 0, Buffer.from(JSON.stringify(greeting)));
}

/** Reads exactly the greeting; the engine sends nothing more until it is spoken to. */
export function readGreeting(socket: Socket): Promise<Greeting> {
  return new Promise((resolve, reject) => {
    const fail = (): void => {
      socket.destroy();
      reject(new Error('A connection to the engine socket ended before its greeting.'));
    };
    const reader = new FrameReader((_id, payload) => {
      socket.off('data', onData);
      socket.off('close', fail);
      socket.off('error', fail);
      socket.pause();
      const greeting = parseGreeting(Buffer.from(payload).toString('utf8'));
      if (greeting === null) fail();
      else resolve(greeting);
    });
    const onData = (bytes: Buffer): void => {
      try {
        reader.push(bytes);
      } catch {
        fail();
      }
    };
    socket.on('data', onData);
    socket.on('close', fail);
    socket.on('error', fail);
  });
}

function parseGreeting(text: string): Greeting | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || !('channel' in value) || !('generation' in value)) return null;
  const { channel, generation } = value;
  if ((channel !== 'control' && channel !== 'bulk') || typeof generation !== 'number') return null;
  return { channel, generation };
}
