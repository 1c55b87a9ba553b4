import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { PluginError } from '../errors.js';
import type { NodeClient } from '../node/client.js';
import { connectionError } from '../node/failures.js';
import { readEvents } from '../node/sse.js';

const rowsEvent = z.object({
  schema: z.array(z.looseObject({ name: z.string(), type: z.string() })),
  rows: z.array(z.array(z.unknown())),
});

/** Rows as a node sends them. */
export type TailRows = z.output<typeof rowsEvent>;

/** What happens on a live tail. */
export type TailEvent =
  | { readonly kind: 'rows'; readonly rows: TailRows }
  /** A node's own word, as "edge-1: It does not answer."; `node` is its name. */
  | { readonly kind: 'node'; readonly node: string; readonly message: string; readonly well: boolean }
  /** The stream (again) comes. */
  | { readonly kind: 'open' }
  /** It broke off, or did not come about; it is tried again. */
  | { readonly kind: 'lost'; readonly error: PluginError };

const FIRST_WAIT_MS = 1_000;
const MOST_WAIT_MS = 15_000;
/** A node sends something at least every 10 s. */
const SILENCE_MS = 30_000;
const WELL = 'It answers again.';

/** Follows a table until aborted; after a break it goes on with the row after the last one seen, at any query node. */
export async function* follow(
  client: NodeClient,
  { table, where }: { readonly table: string; readonly where: string },
  signal: AbortSignal,
): AsyncGenerator<TailEvent> {
  const path = `/api/v1/tail?${new URLSearchParams({ table, where }).toString()}`;
  let resume = '';
  let waitMs = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const { url, response } = await client.stream(path, resume, signal);
      response.setTimeout(SILENCE_MS, () => response.destroy(new Error('nothing came for 30 s')));
      try {
        for await (const event of readEvents(response)) {
          if (event.type === 'open') waitMs = FIRST_WAIT_MS;
          yield read(event.type, event.data);
          resume = event.id;
        }
      } catch (thrown) {
        throw connectionError(url, thrown);
      }
      throw new PluginError('NETWORK', `${new URL(url).host} ended the live stream.`);
    } catch (thrown) {
      if (signal.aborted) return;
      yield { kind: 'lost', error: PluginError.from(thrown) };
    }
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    waitMs = Math.min(MOST_WAIT_MS, waitMs * 2);
  }
}

function read(type: string, data: string): TailEvent {
  if (type === 'rows') return { kind: 'rows', rows: rowsEvent.parse(JSON.parse(data)) };
  if (type !== 'notice') return { kind: 'open' };
  const at = data.indexOf(': ');
  const node = at < 0 ? '' : data.slice(0, at);
  const message = data.slice(at < 0 ? 0 : at + 2);
  return { kind: 'node', node, message, well: message === WELL };
}
