import type { NodeOutcome, ScatterRequest } from '../../query/index.js';
import { ArmorlakeError } from '../../core/index.js';
import type { MessageStream, RelayRequest, RelayResponseInit } from '../backbone.js';
import { Credits } from '../member/credits.js';
import { writeError } from '../wire/errors.js';
import { readRequest, writeFacts } from '../wire/request.js';
import { whoAt } from '../wire/text.js';
import type { TakeChunk } from './answer-gate.js';

/** Asks one member of this hub. */
export type AskMember = (
  node: string,
  request: ScatterRequest,
  take: TakeChunk,
  credits: number,
  signal: AbortSignal,
) => Promise<{ readonly outcome: NodeOutcome }>;

/** Characters of the name that a caller gives whoever asked it: with the caller's own name it is not cut at the member. */
const WHO = 150;
/** What a relayed answer may have waiting here, in chunks. */
const RELAY_CREDITS = 2;

/**
 * Answers one Relay stream: what the member sends goes on unmerged, as fast as the caller takes it.
 * @param caller who asks, as its certificate or address says: the member's account has it beside the caller's own word
 */
export function relay(stream: MessageStream<RelayResponseInit, RelayRequest>, caller: string, ask: AskMember): void {
  const abort = new AbortController();
  const credits = new Credits(abort.signal);
  let asked = false;
  stream.handle({
    message: ({ message }) => {
      if (message.case === 'credits') credits.grant(message.value);
      else if (message.case === 'ask' && !asked) {
        asked = true;
        const { node, request } = message.value;
        credits.grant(message.value.credits);
        const take: TakeChunk = async (fragment, data) => {
          await credits.take();
          await stream.send({ message: { case: 'chunk', value: { fragment, data } } });
        };
        const forCaller = (): ScatterRequest => {
          const read = readRequest(request);
          return { ...read, who: whoAt(read.who, caller, WHO) };
        };
        void answer(stream, async () => ask(node, forCaller(), take, RELAY_CREDITS, abort.signal));
      } else stream.close({ code: 'BAD_REQUEST', message: 'A relay stream takes one ask, and credits.' });
    },
    closed: () => abort.abort(),
  });
}

async function answer(
  stream: MessageStream<RelayResponseInit, RelayRequest>,
  ask: () => Promise<{ readonly outcome: NodeOutcome }>,
): Promise<void> {
  try {
    const { outcome } = await ask();
    await stream.send({
      message:
        outcome.status === 'answered'
          ? { case: 'answered', value: writeFacts(outcome.facts) }
          : { case: 'failed', value: writeError(outcome.error) },
    });
  } catch (thrown) {
    await stream.send({ message: { case: 'failed', value: writeError(ArmorlakeError.from(thrown).toShape()) } });
  }
  stream.close();
}
