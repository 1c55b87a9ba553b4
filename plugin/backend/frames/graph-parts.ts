import { outcomeColors } from './field-config.js';
import type { DataLink, Field, FieldConfig, Frame, Notice } from './frame.js';
import { floatVector, textVector } from './vector.js';

/** What the ring around a node says. */
const states = {
  blocked: { name: 'refused or blocked', color: outcomeColors['blocked'] ?? '' },
  alerts: { name: 'alerts', color: outcomeColors['happened'] ?? '' },
  quiet: { name: 'neither', color: 'blue' },
} as const;
export type NodeState = keyof typeof states;

/** Texts are safe for a screen. */
export interface GraphNode {
  readonly id: string;
  readonly title: string;
  readonly subtitle: string;
  readonly mainstat: string;
  readonly secondarystat: string;
  readonly state: NodeState;
  /** One of Grafana's icons; empty: the stats are shown. */
  readonly icon: string;
  /** Shown in the node's menu; all nodes have the same keys. */
  readonly details: Readonly<Record<string, string>>;
}

export interface GraphEdge {
  readonly source: string;
  readonly target: string;
  readonly mainstat: string;
  readonly secondarystat: string;
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** What is not drawn. */
  readonly notices: readonly string[];
}

/** The two frames of Grafana's node graph. */
export function nodeGraphFrames(
  graph: Graph,
  links: readonly DataLink[],
  notices: readonly Notice[] = [],
): readonly Frame[] {
  const { nodes, edges } = graph;
  const cut: readonly Notice[] = graph.notices.map((text) => ({ severity: 'warning', text }));
  const field = (name: string, value: (node: GraphNode) => string, config?: FieldConfig): Field => ({
    name,
    vector: textVector(nodes.map(value)),
    ...(config === undefined ? {} : { config }),
  });
  const edgeField = (name: string, value: (edge: GraphEdge) => string): Field => ({
    name,
    vector: textVector(edges.map(value)),
  });
  const details = Object.keys(nodes[0]?.details ?? {});
  const withIcons = nodes.some(({ icon }) => icon !== '');
  return [
    {
      name: 'nodes',
      meta: { preferredVisualisationType: 'nodeGraph', notices: [...notices, ...cut] },
      fields: [
        field('id', ({ id }) => id),
        field('title', ({ title }) => title, links.length === 0 ? undefined : { links }),
        field('subtitle', ({ subtitle }) => subtitle),
        field('mainstat', ({ mainstat }) => mainstat, { displayName: 'activity' }),
        field('secondarystat', ({ secondarystat }) => secondarystat, { displayName: 'more' }),
        ...(withIcons ? [field('icon', ({ icon }) => icon)] : []),
        ...Object.entries(states).map(([state, { name, color }]): Field => ({
          name: `arc__${state}`,
          vector: floatVector(nodes.map((node) => (node.state === state ? 1 : 0))),
          config: { displayName: name, color: { mode: 'fixed', fixedColor: color } },
        })),
        ...details.map((key) => field(`detail__${key}`, (node) => node.details[key] ?? '', { displayName: key })),
      ],
    },
    {
      name: 'edges',
      meta: { preferredVisualisationType: 'nodeGraph' },
      fields: [
        edgeField('id', ({ source, target }) => `${source} → ${target}`),
        edgeField('source', ({ source }) => source),
        edgeField('target', ({ target }) => target),
        edgeField('mainstat', ({ mainstat }) => mainstat),
        edgeField('secondarystat', ({ secondarystat }) => secondarystat),
      ],
    },
  ];
}
