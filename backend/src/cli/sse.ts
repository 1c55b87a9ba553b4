/** One server-sent event. */
export interface ServerEvent {
  readonly type: string;
  readonly data: string;
  /** The last id seen, for `Last-Event-ID`; empty when none was sent. */
  readonly id: string;
}

/** Reads an event stream (WHATWG HTML, "server-sent events"); comments and `retry` are passed over. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder();
  let pending = '';
  let type = 'message';
  let data: string[] = [];
  let id = '';
  for await (const bytes of body) {
    pending += decoder.decode(bytes, { stream: true });
    // A CR at the very end may be half of a CRLF.
    const lines = pending.split(/\r\n|\n|\r(?!$)/);
    pending = lines.pop() ?? '';
    for (const line of lines) {
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
