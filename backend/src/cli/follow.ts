import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ArmorlakeError } from '../core/index.js';
import type { Client } from './client.js';
import type { Condition } from './event-filters.js';
import type { EventRow } from './event-line.js';
import { rowsAsObjects } from './event-line.js';
import { readEvents } from './sse.js';

const rowsEvent = z.object({
  schema: z.array(z.looseObject({ name: z.string() })),
  rows: z.array(z.array(z.unknown())),
});

/** What a live tail reads. */
export interface TailRequest {
  readonly table: string;
  readonly condition: Condition;
}

/** What comes from a live tail: rows, or a notice for the reader. */
export type TailItem = { readonly rows: readonly EventRow[] } | { readonly notice: string };

const RECONNECT_MS = 1000;

/** Follows a table for ever; a connection that breaks is taken up again at the row after the last one seen. */
export async function* follow(client: Client, request: TailRequest, signal: AbortSignal): AsyncGenerator<TailItem> {
  let resume = '';
  for (;;) {
    try {
      const response = await client.request(tailPath(request), { signal, headers: resumeHeader(resume) });
      if (response.body === null) return;
      for await (const event of readEvents(response.body)) {
        resume = event.id;
        if (event.type === 'rows') {
          const { schema, rows } = rowsEvent.parse(JSON.parse(event.data));
          yield { rows: rowsAsObjects(schema, rows) };
        } else if (event.type === 'notice') {
          yield { notice: event.data };
        }
      }
    } catch (thrown) {
      if (signal.aborted) return;
      const error = ArmorlakeError.from(thrown);
      if (error.code !== 'NOT_READY' && error.code !== 'INTERNAL') throw thrown;
      if (resume === '') throw thrown;
      yield { notice: `${error.message} Trying again.` };
    }
    if (signal.aborted) return;
    await sleep(RECONNECT_MS, undefined, { signal }).catch(() => undefined);
  }
}

function tailPath({ table, condition }: TailRequest): string {
  const query = new URLSearchParams({ table });
  if (condition.sql !== '') {
    query.set('where', condition.sql);
    query.set('params', JSON.stringify(condition.params));
  }
  return `/api/v1/tail?${query.toString()}`;
}

function resumeHeader(resume: string): Readonly<Record<string, string>> {
  return resume === '' ? {} : { 'last-event-id': resume };
}
