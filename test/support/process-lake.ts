import type { ProcessQuery, QueryType } from '../../plugin/shared/index.js';
import { defaultQuery } from '../../plugin/shared/index.js';
import { Workplace } from '../cli-support.js';
import { TestNode } from './node-process.js';
import type { DecodedFrame } from './frames.js';
import type { PanelQuery } from './plugin-host.js';
import { PluginHost } from './plugin-host.js';
import type { Answered } from './plugin-lake.js';
import { askAll } from './plugin-lake.js';
import type { KubeArmorEvent } from './process-events.js';

/** The hour that the tests' events lie in. */
export const hour = { fromMs: Date.UTC(2026, 0, 1, 10), toMs: Date.UTC(2026, 0, 1, 11) } as const;

/** A node of the built program with posted events, and the data source's backend that asks it. */
export class ProcessLake implements AsyncDisposable {
  readonly node: TestNode;
  readonly host: PluginHost;
  readonly #place: Workplace;

  private constructor(node: TestNode, host: PluginHost, place: Workplace) {
    this.node = node;
    this.host = host;
    this.#place = place;
  }

  /** The node is called `edge`. */
  static async open(): Promise<ProcessLake> {
    const place = new Workplace();
    const node = await TestNode.start(place, { data: 'edge' });
    const host = await PluginHost.start({ dataSource: { jsonData: { urls: [node.url] } } });
    return new ProcessLake(node, host, place);
  }

  async post(events: readonly KubeArmorEvent[]): Promise<void> {
    const { status, body } = await this.node.post(events.map((event) => JSON.stringify(event)).join('\n'));
    if (status !== 200 || body['accepted'] !== events.length) throw new Error(`${status} ${JSON.stringify(body)}`);
  }

  /** The number of the first event that a condition holds for. */
  async seq(where: string): Promise<string> {
    const [row] = await this.node.rows(`SELECT seq FROM kubearmor.events WHERE ${where} ORDER BY time, seq LIMIT 1`);
    if (row === undefined) throw new Error(`No event where ${where}`);
    return String(row['seq']);
  }

  async ask(
    queryType: QueryType,
    process: Partial<ProcessQuery>,
    query: Partial<PanelQuery> = {},
    more: object = {},
  ): Promise<Answered> {
    const usual = defaultQuery(queryType, 'kubearmor.events');
    const model = { ...usual, ...more, process: { ...usual.process, ...process } };
    const { A } = await askAll(this.host, [{ model, ...hour, ...query }]);
    if (A === undefined) throw new Error('The query was not answered.');
    return A;
  }

  /** The tree around the first event that a condition holds for. */
  async tree(where: string): Promise<Tree> {
    const target = { by: 'event', node: 'edge', seq: await this.seq(where) } as const;
    return treeOf(await this.ask('tree', { target }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.host.close();
    await this.#place.close();
  }
}

export interface Tree {
  /** The indented lines, with plain spaces. */
  readonly lines: readonly string[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  /** What the reader is told. */
  readonly notice: string;
  readonly frame: DecodedFrame;
}

export function treeOf({ frames, error }: Answered): Tree {
  const [frame] = frames;
  if (frame === undefined) throw new Error(`No frame: ${error}`);
  const rows = rowsOf(frame);
  return {
    rows,
    lines: rows.map(({ tree }) => String(tree).replaceAll('\u00a0', ' ')),
    notice: noticeOf(frame),
    frame,
  };
}

/** The frame's rows as objects. */
export function rowsOf({ fields }: DecodedFrame): readonly Readonly<Record<string, unknown>>[] {
  const length = fields[0]?.values.length ?? 0;
  return Array.from({ length }, (_, row) => Object.fromEntries(fields.map(({ name, values }) => [name, values[row]])));
}

export function noticeOf({ meta }: DecodedFrame): string {
  const notices = (meta['notices'] ?? []) as readonly { readonly text: string }[];
  return notices.map(({ text }) => text).join(' ');
}
