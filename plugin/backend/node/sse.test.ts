import { describe, expect, it } from 'vitest';
import type { ServerEvent } from './sse.js';
import { readEvents } from './sse.js';

async function read(...chunks: readonly (string | Buffer)[]): Promise<readonly ServerEvent[]> {
  async function* body(): AsyncGenerator<Buffer> {
    for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk));
  }
  const events: ServerEvent[] = [];
  for await (const event of readEvents(body())) events.push(event);
  return events;
}

describe('server-sent events', () => {
  it('are read however they are cut', async () => {
    const text =
      'id: {"a":1}\nevent: rows\ndata: {"x":"é😀"}\n\n: nothing new\n\nretry: 5\nevent: notice\ndata:gone\n\n';
    const expected = [
      { type: 'rows', data: '{"x":"é😀"}', id: '{"a":1}' },
      { type: 'notice', data: 'gone', id: '{"a":1}' },
    ];
    expect(await read(text)).toEqual(expected);
    const bytes = Buffer.from(text);
    for (let at = 1; at < bytes.length; at++) {
      expect(await read(bytes.subarray(0, at), bytes.subarray(at))).toEqual(expected);
    }
  });

  it('may have CRLF, several data lines, and no end', async () => {
    expect(await read('data: a\r\ndata\r\ndata: b\r\n\r\n', 'event: x\n\ndata: never ended')).toEqual([
      { type: 'message', data: 'a\n\nb', id: '' },
    ]);
  });
});
