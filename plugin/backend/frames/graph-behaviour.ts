import type { Answer } from '../query/types.js';
import { NamedColumns } from './columns.js';
import type { Graph, GraphEdge, GraphNode, NodeState } from './graph-parts.js';
import { counted, screenLine } from './process-rows.js';
import { numberAt } from './vector.js';

/** Counts of what a node or an edge stands for. */
interface Counts {
  events: number;
  alerts: number;
  blocked: number;
}

interface Part extends Counts {
  readonly title: string;
  readonly subtitle: string;
  readonly icon: string;
}

interface Link extends Counts {
  readonly source: string;
  readonly target: string;
}

/** One row of `behaviourSql`. */
interface Group extends Counts {
  readonly nodes: readonly (Omit<Part, keyof Counts> & { readonly key: string })[];
}

/**
 * Pod → process → resource, as `behaviourSql` counts it: a process of a pod, a resource for all of them. Groups are drawn
 * in the order of the answer, each wholly or not at all.
 */
export function behaviourGraph(answer: Answer, limit: number): Graph {
  const parts = new Map<string, Part>();
  const links = new Map<string, Link>();
  const groups = groupsOf(answer);
  let drawn = 0;
  for (const group of groups) {
    const fresh = group.nodes.filter(({ key }) => !parts.has(key)).length;
    if (parts.size + fresh > limit) continue;
    drawn += 1;
    group.nodes.forEach(({ key, ...part }, index) => {
      add(parts, key, { ...part, events: 0, alerts: 0, blocked: 0 }, group);
      const before = group.nodes[index - 1];
      if (before === undefined) return;
      const link = { source: before.key, target: key, events: 0, alerts: 0, blocked: 0 };
      add(links, JSON.stringify([before.key, key]), link, group);
    });
  }
  const { truncated } = answer.stats;
  // Event text stays out of identities: they get into URLs and selectors.
  const ids = new Map([...parts.keys()].map((key, index) => [key, `n${String(index)}`]));
  const idOf = (key: string): string => ids.get(key) ?? '';
  return {
    nodes: [...parts].map(([key, part]) => nodeOf(idOf(key), part)),
    edges: [...links.values()].map((link) => edgeOf(idOf(link.source), idOf(link.target), link)),
    notices:
      drawn === groups.length && !truncated
        ? []
        : [
            `${String(drawn)} of ${truncated ? 'more than ' : ''}${String(groups.length)} ways from a pod to a resource are drawn, blocked and most frequent first: filter for more.`,
          ],
  };
}

function add<Item extends Counts>(
  items: Map<string, Item>,
  key: string,
  empty: Item,
  { events, alerts, blocked }: Counts,
): void {
  const item = items.get(key) ?? empty;
  item.events += events;
  item.alerts += alerts;
  item.blocked += blocked;
  items.set(key, item);
}

const icons: Readonly<Record<string, string>> = { File: 'file-alt', Network: 'exchange-alt', Process: 'process' };

function groupsOf(answer: Answer): readonly Group[] {
  const columns = new NamedColumns(answer);
  const count = (name: string, row: number): number => {
    const vector = columns.get(name);
    return vector === null ? 0 : (numberAt(vector, row) ?? 0);
  };
  return Array.from({ length: answer.rows }, (_, row) => {
    const text = (name: string): string => columns.text(name, row) ?? '';
    const pod = [text('cluster'), text('namespace'), text('workplace')];
    const [process, operation, resource] = [text('actor'), text('operation'), text('resource')];
    const where = [text('cluster'), text('namespace')].filter((part) => part !== '').join(' / ');
    return {
      nodes: [
        {
          key: JSON.stringify(['pod', ...pod]),
          title: screenLine(text('workplace')),
          subtitle: where === '' ? '' : screenLine(where),
          icon: 'cube',
        },
        {
          key: JSON.stringify(['process', ...pod, process]),
          title: screenLine(process),
          subtitle: 'process',
          icon: '',
        },
        {
          key: JSON.stringify(['resource', operation, resource]),
          title: screenLine(resource),
          subtitle: screenLine(operation),
          icon: icons[operation] ?? '',
        },
      ],
      events: count('events', row),
      alerts: count('alerts', row),
      blocked: count('blocked', row),
    };
  });
}

function stateOf({ alerts, blocked }: Counts): NodeState {
  return blocked > 0 ? 'blocked' : alerts > 0 ? 'alerts' : 'quiet';
}

function nodeOf(id: string, part: Part): GraphNode {
  const { title, subtitle, icon, events, alerts, blocked } = part;
  return {
    id,
    title,
    subtitle,
    icon,
    mainstat: counted(events, 'event'),
    secondarystat: blocked > 0 ? `${String(blocked)} blocked` : '',
    state: stateOf(part),
    details: { events: String(events), alerts: String(alerts), blocked: String(blocked) },
  };
}

function edgeOf(source: string, target: string, { events, blocked }: Link): GraphEdge {
  return {
    source,
    target,
    mainstat: String(events),
    secondarystat: blocked > 0 ? `${String(blocked)} blocked` : '',
  };
}
