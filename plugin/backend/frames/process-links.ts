import type { ArmorlakeModel } from '../../shared/index.js';
import type { QuerySettings } from '../query/types.js';
import type { DataLink } from './frame.js';

/** Where a tree is drawn. */
export interface ProcessPlace {
  readonly links: QuerySettings['links'];
  /** Uid of the dashboard that asks; left out: none does. */
  readonly dashboard: string | undefined;
  /** Uid of the data source, so that the dashboard asks the same one. */
  readonly dataSource: string;
}

/** Another field of the row within a link. */
export function linkedField(name: string): string {
  return `\${__data.fields.${name}:percentencode}`;
}

/** The value itself within a link. */
export const linkedValue = '${__value.raw}';

/**
 * The link that draws the tree around another event, `node` and `seq` in Grafana's notation: on the dashboard that asks
 * when its variables say the event, otherwise on the one for it. Plain URLs, as viewers may lack Explore.
 */
export function rerootLinks(
  { process }: Pick<ArmorlakeModel, 'process'>,
  { links, dashboard, dataSource }: ProcessPlace,
  { title, node, seq }: { readonly title: string; readonly node: string; readonly seq: string },
): readonly DataLink[] {
  const { variables } = process;
  // What is no uid of Grafana's own making is left out of URLs.
  const here = variables !== undefined && dashboard !== undefined && /^[\w-]+$/.test(dashboard);
  const uid = here ? dashboard : links.process;
  if (uid === '') return [];
  const names = here ? variables : { node: 'event_node', seq: 'seq' };
  const source = `var-datasource=${encodeURIComponent(dataSource)}`;
  const event = `var-${encodeURIComponent(names.node)}=${node}&var-${encodeURIComponent(names.seq)}=${seq}`;
  return [{ title, url: `/d/${uid}?${source}&${event}&\${__url_time_range}` }];
}
