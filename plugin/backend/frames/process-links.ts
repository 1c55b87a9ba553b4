import type { QuerySettings } from '../query/types.js';
import type { DataLink } from './frame.js';

/** A field of the row within a link. */
const field = (name: string): string => `\${__data.fields.${name}:percentencode}`;

/** Links that draw the tree around another event: on the dashboard for it, as viewers may lack Explore. */
export function rerootLinks(
  { links }: Pick<QuerySettings, 'links'>,
  title: string,
  node: string,
  seq: string,
): readonly DataLink[] {
  if (links.process === '') return [];
  const url = `/d/${links.process}?var-node=${field(node)}&var-seq=${field(`${seq}.numeric`)}&\${__url_time_range}`;
  return [{ title, url }];
}
