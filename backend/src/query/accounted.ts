import type { Clock } from '../core/index.js';
import { ArmorlakeError } from '../core/index.js';
import { readTailCall } from './federate/network-tails.js';
import type { LakeFragments } from './lake-fragments.js';
import type { QueryLog, QueryRecord } from './query-log.js';
import type { NodeFacts } from './scatter.js';
import type { TailSelection, Tails } from './tails.js';

/** What is accounted of a part, besides its cost. */
type Asked = Pick<QueryRecord, 'id' | 'who' | 'origin' | 'sql' | 'fragments' | 'via'>;
type Cost = Readonly<Record<'rows' | 'bytes', number>>;

/** Ends of a tail's part that are no end of the tail. */
const passing: ReadonlySet<string> = new Set(['CANCELLED', 'DEADLINE', 'NOT_READY']);

/**
 * The same, with what other nodes ask in armorlake.queries: whoever has a query node's certificate leaves a trace on
 * every node. What this node asks itself is in the account already.
 */
export function accountedFragments(
  fragments: Pick<LakeFragments, 'run'>,
  log: QueryLog,
  clock: Clock,
): Pick<LakeFragments, 'run'> {
  return {
    run: (request, emit, signal) => {
      const { queryId: id, who, origin, fragments: parts, hub: via, tail } = request;
      const run = (): Promise<NodeFacts> => fragments.run(request, emit, signal);
      if (via === undefined) return run();
      if (tail !== null) return accountedTail(log, clock, { id, who, via, ...tailAsked(tail) }, run);
      const sql = parts.map((fragment) => fragment.sql).join(';\n');
      return accounted(log, clock, { id, who, origin, sql, fragments: parts.length, via }, run, () => true);
    },
  };
}

/** The same, with what is followed here in armorlake.queries. */
export function accountedTails(tails: Tails, log: QueryLog, clock: Clock): Tails {
  return {
    nodes: () => tails.nodes(),
    next: (node, selection, afterSeq, waitMs, signal) => {
      const { id, caller } = selection;
      const asked = { id, who: caller.token, via: null, sql: tailText(selection), begins: afterSeq === null };
      return accountedTail(log, clock, asked, async () => {
        const answer = await tails.next(node, selection, afterSeq, waitMs, signal);
        return { ...answer, bytes: answer.body.length };
      });
    },
  };
}

interface TailAsked extends Pick<Asked, 'id' | 'who' | 'sql' | 'via'> {
  readonly begins: boolean;
}

/** A tail asks again and again: in the account are its beginning, what it got, and what ended it. */
function accountedTail<Answer extends Cost>(
  log: QueryLog,
  clock: Clock,
  { begins, ...asked }: TailAsked,
  run: () => Promise<Answer>,
): Promise<Answer> {
  const told = (rows: number, error: string | null): boolean =>
    error === null ? begins || rows > 0 : !passing.has(error);
  return accounted(log, clock, { ...asked, origin: null, fragments: 0 }, run, told);
}

async function accounted<Answer extends Cost>(
  log: QueryLog,
  clock: Clock,
  asked: Asked,
  run: () => Promise<Answer>,
  told: (rows: number, error: string | null) => boolean,
): Promise<Answer> {
  const time = Math.round(clock.wallMs() * 1000);
  const startedMs = clock.monotonicMs();
  const record = ({ rows, bytes }: Cost, error: string | null): void => {
    if (told(rows, error)) log.addPart({ ...asked, time, rows, bytes, ms: clock.monotonicMs() - startedMs, error });
  };
  try {
    const answer = await run();
    record(answer, null);
    return answer;
  } catch (thrown) {
    record({ rows: 0, bytes: 0 }, ArmorlakeError.from(thrown).code);
    throw thrown;
  }
}

/** What another node's tail asks; what can't be read is refused where it runs. */
function tailAsked(tail: string): Pick<TailAsked, 'sql' | 'begins'> {
  try {
    const { table, filters, afterSeq } = readTailCall(tail);
    return { sql: tailText({ table, filters }), begins: afterSeq === null };
  } catch {
    return { sql: `tail ${tail}`, begins: true };
  }
}

function tailText({ table, filters }: Pick<TailSelection, 'table' | 'filters'>): string {
  return `tail ${JSON.stringify({ table, filters })}`;
}
