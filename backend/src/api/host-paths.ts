import { resolve } from 'node:path';
import type { ErrorCode } from '../core/index.js';
import { withoutPaths } from '../core/index.js';
import type { Coverage, QueryAnswer } from '../query/index.js';
import type { Identity } from './access.js';

/** Errors that speak of what was asked; a path in them is the asker's own, unless it is one of ours. */
const OF_THE_ASKER: ReadonlySet<string | null> = new Set<ErrorCode>([
  'BAD_QUERY',
  'NOT_FEDERABLE',
  'NOT_ALLOWED',
  'UNKNOWN_TABLE',
  'BAD_REQUEST',
  'NOT_FOUND',
  'UNAUTHENTICATED',
  'FORBIDDEN',
]);

/** Where the files of a host are is its operator's business: answers to all but admins say `…` in place of paths. */
export class HostPaths {
  readonly #folders: readonly string[];

  /** @param folders of the node's own files, which are hidden wherever they are named. */
  constructor(folders: readonly string[]) {
    this.#folders = [...new Set(folders.map((folder) => resolve(folder)))].filter((folder) => folder !== '/');
  }

  /** The sentence of an error, as it is shown. */
  sentence(text: string, code: string | null, { role }: Identity): string {
    if (role === 'admin') return text;
    const own = this.#folders.reduce((shown, folder) => shown.replaceAll(folder, '…'), text);
    return OF_THE_ASKER.has(code) ? own : withoutPaths(own);
  }

  /** The coverage of an answer, as it is shown: nodes tell why they failed in their own words. */
  coverage(coverage: Coverage, identity: Identity): Coverage {
    const nodes = coverage.nodes.map((node) =>
      node.message === null ? node : { ...node, message: this.sentence(node.message, node.code, identity) },
    );
    return { ...coverage, nodes };
  }

  /** An answer, with its coverage as it is shown. */
  answer(answer: QueryAnswer, identity: Identity): QueryAnswer {
    const end = answer.end.then((ended) => ({ ...ended, coverage: this.coverage(ended.coverage, identity) }));
    // Whoever leaves the chunks early doesn't look at the end.
    end.catch(() => undefined);
    return { ...answer, coverage: this.coverage(answer.coverage, identity), end };
  }

  /** Any value, with all its texts as they are shown. */
  value(value: unknown, identity: Identity): unknown {
    if (typeof value === 'string') return this.sentence(value, null, identity);
    if (Array.isArray(value)) return value.map((each) => this.value(each, identity));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, this.value(each, identity)]));
  }
}
