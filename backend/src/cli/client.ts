import { z } from 'zod';
import type { ErrorCode } from '../core/index.js';
import { ArmorlakeError, ERROR_STATUS, messageOf } from '../core/index.js';

const errorBody = z.object({
  error: z.object({
    code: z.string().refine((code): code is ErrorCode => Object.hasOwn(ERROR_STATUS, code)),
    message: z.string(),
    hint: z.string().optional(),
    position: z.number().optional(),
    node: z.string().optional(),
  }),
});

const coverage = z.object({
  complete: z.boolean(),
  expected: z.number(),
  asked: z.number(),
  answered: z.number(),
  nodes: z.array(z.looseObject({ name: z.string(), status: z.string(), message: z.string().nullish() })).default([]),
  gaps: z
    .looseObject({
      nodes: z.number(),
      minutes: z.number(),
      worst: z.array(z.looseObject({ node: z.string(), cause: z.string(), minutes: z.number() })).optional(),
    })
    .nullish(),
  retention: z.looseObject({ nodesShort: z.number(), from: z.string().nullish() }).nullish(),
});

export type Coverage = z.infer<typeof coverage>;

const answer = z.looseObject({
  schema: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.array(z.array(z.unknown())),
  stats: z.looseObject({ rows: z.number(), truncated: z.boolean(), elapsedMs: z.number(), queryId: z.string() }),
  coverage: coverage.nullish(),
});

const explanation = z.looseObject({
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  merge: z.string().nullable(),
  subqueries: z.number(),
  fragments: z.array(z.object({ name: z.string(), kind: z.string(), table: z.string(), sql: z.string() })),
  nodes: z.array(z.object({ name: z.string(), status: z.string(), reason: z.string().nullable() })),
  estimate: z.object({ nodes: z.number(), rows: z.number(), bytes: z.number() }),
});

/** How a query would be answered, as the node's door sends it. */
export type Explanation = z.infer<typeof explanation>;

/** A query's answer, as the node's door sends it. */
export type Answer = z.infer<typeof answer>;

/** Which nodes a query asks, and what their absence means. */
export interface Selection {
  readonly nodes?: {
    readonly names?: readonly string[];
    readonly clusters?: readonly string[];
    readonly labels?: Readonly<Record<string, readonly string[]>>;
  };
  readonly perNode?: boolean;
  readonly partial?: 'warn' | 'fail' | 'ignore';
}

export interface QueryOptions extends Selection {
  readonly params?: readonly unknown[];
  readonly limits?: { readonly rows?: number; readonly timeoutMs?: number };
  readonly signal?: AbortSignal;
}

export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the answer's head must be there. */
  readonly deadlineMs?: number;
}

const DEFAULT_DEADLINE_MS = 310_000;

/** One node, over HTTP. What goes wrong is an ArmorlakeError that names the address and the fix. */
export class Client {
  readonly url: string;
  readonly #token: string | null;

  constructor(url: string, token: string | null) {
    if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
      throw new ArmorlakeError('BAD_REQUEST', `${url} is no address of a node.`, {
        hint: 'Write it as http://127.0.0.1:7470.',
      });
    }
    this.url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  /** Runs one SELECT. */
  async query(sql: string, options: QueryOptions = {}): Promise<Answer> {
    return await this.#ask('/api/v1/query', answer, sql, options);
  }

  /** How a SELECT would be answered; it does not run. */
  async explain(sql: string, options: QueryOptions = {}): Promise<Explanation> {
    return await this.#ask('/api/v1/explain', explanation, sql, options);
  }

  async #ask<Value>(
    path: string,
    schema: z.ZodType<Value>,
    sql: string,
    { signal, ...options }: QueryOptions,
  ): Promise<Value> {
    const body = JSON.stringify({ sql, ...options });
    const parsed = schema.safeParse(await this.json(path, { method: 'POST', body, signal }));
    if (parsed.success) return parsed.data;
    throw new ArmorlakeError('INTERNAL', `${this.url} answered a query in a form this version doesn't know.`, {
      hint: 'Use the armorlake command of the same version as the node.',
    });
  }

  /** The JSON of an answer. */
  async json(path: string, options: RequestOptions = {}): Promise<unknown> {
    const response = await this.request(path, options);
    try {
      return await response.json();
    } catch (thrown) {
      throw new ArmorlakeError('INTERNAL', `${this.url}${path} broke off its answer: ${messageOf(thrown)}.`, {
        cause: thrown,
      });
    }
  }

  /** The response, once its head says success. */
  async request(path: string, options: RequestOptions = {}): Promise<Response> {
    const response = await this.#fetch(path, options);
    if (response.ok) return response;
    const text = await response.text().catch(() => '');
    throw errorOf(response.status, text, `${this.url}${path}`);
  }

  async #fetch(path: string, options: RequestOptions): Promise<Response> {
    const deadline = new AbortController();
    const timer = setTimeout(() => {
      deadline.abort();
    }, options.deadlineMs ?? DEFAULT_DEADLINE_MS);
    const signals = options.signal === undefined ? [deadline.signal] : [deadline.signal, options.signal];
    try {
      return await fetch(`${this.url}${path}`, {
        method: options.method ?? 'GET',
        headers: {
          ...options.headers,
          ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
          ...(options.body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' }),
        },
        ...(options.body === undefined ? {} : { body: options.body }),
        signal: AbortSignal.any(signals),
      });
    } catch (thrown) {
      if (options.signal?.aborted === true) throw new ArmorlakeError('CANCELLED', 'Interrupted.', { cause: thrown });
      if (deadline.signal.aborted) {
        throw new ArmorlakeError('DEADLINE', `${this.url} did not answer in time.`, {
          hint: 'See `armorlake status`, or the log of the node.',
          cause: thrown,
        });
      }
      throw unreachable(this.url, thrown);
    } finally {
      clearTimeout(timer);
    }
  }
}

function errorOf(status: number, text: string, where: string): ArmorlakeError {
  const parsed = errorBody.safeParse(jsonOf(text));
  if (!parsed.success) {
    return new ArmorlakeError('INTERNAL', `${where} answered HTTP ${status}, and not as an Armorlake node does.`, {
      hint: 'Check the address given with --url.',
    });
  }
  const { error } = parsed.data;
  // The node speaks of headers; here it is a variable.
  const hint = error.code === 'UNAUTHENTICATED' ? 'Give a token with ARMORLAKE_TOKEN or --token.' : error.hint;
  return ArmorlakeError.fromShape({
    code: error.code,
    message: error.message,
    ...(hint === undefined ? {} : { hint }),
    ...(error.position === undefined ? {} : { position: error.position }),
    ...(error.node === undefined ? {} : { node: error.node }),
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreachable(url: string, thrown: unknown): ArmorlakeError {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code === 'ECONNREFUSED') {
    return new ArmorlakeError('NOT_READY', `Nothing listens at ${url}.`, {
      hint: 'Start a node with `armorlake node`, or name another one with --url.',
      cause: thrown,
    });
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new ArmorlakeError('NOT_READY', `The host name in ${url} is not known.`, {
      hint: 'Check --url.',
      cause: thrown,
    });
  }
  if (/CERT|SELF_SIGNED|ALTNAME|UNABLE_TO_VERIFY/.test(code)) {
    return new ArmorlakeError('NOT_READY', `The certificate of ${url} is not trusted (${code}).`, {
      hint: 'Name its CA in NODE_EXTRA_CA_CERTS, and use the host name that the certificate holds.',
      cause: thrown,
    });
  }
  return new ArmorlakeError(
    'NOT_READY',
    `Can't reach ${url}: ${cause instanceof Error ? messageOf(cause) : messageOf(thrown)}.`,
    {
      hint: 'Is it http or https? Is the node running?',
      cause: thrown,
    },
  );
}
