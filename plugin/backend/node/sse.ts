import { StringDecoder } from 'node:string_decoder';

/** One server-sent event. */
export interface ServerEvent {
  readonly type: string;
  readonly data: string;
  /** The last id seen, for `Last-Event-ID`; empty when none was sent. */
  readonly id: string;
}

/** Characters of one event: more is no event of a node. */
const MOST = 32 << 20;

/**
 * Reads an event stream (WHATWG HTML, "server-sent events") with LF or CRLF; comments and `retry` are passed over.
 * @throws Error when one event grows beyond all measure
 */
export async function* readEvents(body: AsyncIterable<Buffer>): AsyncGenerator<ServerEvent> {
  const decoder = new StringDecoder('utf8');
  let pending = '';
  let type = 'message';
  let data: string[] = [];
  let id = '';
  for await (const bytes of body) {
    pending += decoder.write(bytes);
    if (pending.length > MOST) throw new Error(`An event of more than ${MOST} characters.`);
    if (!pending.includes('\n')) continue;
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    for (const each of lines) {
      const line = each.endsWith('\r') ? each.slice(0, -1) : each;
      if (line === '') {
        if (data.length > 0) yield { type, data: data.join('\n'), id };
        type = 'message';
        data = [];
        continue;
      }
      const at = line.indexOf(':');
      const field = at < 0 ? line : line.slice(0, at);
      const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '');
      if (field === 'event') type = value;
      else if (field === 'data') data.push(value);
      else if (field === 'id') id = value;
    }
  }
}
