import { getBackendSrv } from '@grafana/runtime';
import { lastValueFrom } from 'rxjs';
import { resourcePaths } from '../shared/index.js';
import type {
  Catalog,
  ExplainAnswer,
  ExplainRequest,
  NodesAnswer,
  ValuesAnswer,
  ValuesRequest,
} from '../shared/index.js';

/** How long a catalog or a list of nodes is used again, ms: they change rarely, and editors ask all the time. */
const FRESH_MS = 60_000;
/** No look-up keeps an editor or a dashboard waiting longer, ms. */
const DEADLINE_MS = 10_000;

/**
 * The plugin's resources for its editors. Each call has a deadline and shows no alert of its own: callers show the error
 * (see `errorOf`). `@throws` Grafana's `FetchError`.
 */
export class Resources {
  readonly #base: string;
  readonly #held = new Map<string, { readonly until: number; readonly answer: Promise<unknown> }>();

  constructor(
    uid: string,
    private readonly now: () => number = Date.now,
  ) {
    this.#base = `/api/datasources/uid/${encodeURIComponent(uid)}/resources`;
  }

  catalog(): Promise<Catalog> {
    return this.#hold('catalog', () => this.#ask<Catalog>('GET', resourcePaths.catalog));
  }

  nodes(): Promise<NodesAnswer> {
    return this.#hold('nodes', () => this.#ask<NodesAnswer>('GET', resourcePaths.nodes));
  }

  values(request: ValuesRequest, signal?: AbortSignal): Promise<ValuesAnswer> {
    return this.#ask<ValuesAnswer>('POST', resourcePaths.values, request, signal);
  }

  explain(request: ExplainRequest, signal?: AbortSignal): Promise<ExplainAnswer> {
    return this.#ask<ExplainAnswer>('POST', resourcePaths.explain, request, signal);
  }

  /** The same answer for all who ask within a minute; a failure is not kept. */
  #hold<T>(name: string, ask: () => Promise<T>): Promise<T> {
    const held = this.#held.get(name);
    // Only #hold puts answers in, each under its own name.
    if (held !== undefined && held.until > this.now()) return held.answer as Promise<T>;
    const answer = ask();
    this.#held.set(name, { until: this.now() + FRESH_MS, answer });
    answer.catch(() => {
      if (this.#held.get(name)?.answer === answer) this.#held.delete(name);
    });
    return answer;
  }

  async #ask<T>(method: 'GET' | 'POST', path: string, data?: unknown, signal?: AbortSignal): Promise<T> {
    const deadline = AbortSignal.timeout(DEADLINE_MS);
    const answer = getBackendSrv().fetch<T>({
      method,
      url: `${this.#base}/${path}`,
      ...(data === undefined ? {} : { data }),
      showErrorAlert: false,
      hideFromInspector: true,
      abortSignal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    });
    return (await lastValueFrom(answer)).data;
  }
}
