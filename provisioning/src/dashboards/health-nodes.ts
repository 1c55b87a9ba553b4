import type { Line } from '../build/dashboard.js';
import { field, fields, texts } from '../build/fields.js';
import { table } from '../build/panels.js';
import { sql } from '../build/queries.js';
import { always, goodUntil, stateColours } from '../build/style.js';
import { nodeTable, recent, visibilityTable } from './health-sql.js';
import { coloredText, daysLeft, moment, state } from './health-style.js';

const notSeen = { type: 'value', options: { 0: { text: 'not seen', color: stateColours.warning, index: 0 } } } as const;

/** Each node: what it costs its host, what it pulls from, and what it sees. */
export const nodeLines: readonly Line[] = [
  {
    height: 8,
    cells: [
      {
        width: 24,
        panel: table({
          title: 'Nodes',
          description: `Every node known here and what Armorlake costs its host: processor time as a share of one core, memory, bytes written to flash and sent or received a day at the pace of the range (without its first ten minutes, in which history comes in), days until the lake is full and until the certificate expires. ${recent}`,
          queries: [sql(nodeTable)],
          empty: 'no node is known.',
          overrides: [
            field('node', texts(110)),
            field('state', { mappings: [state], custom: { ...coloredText, width: 65 } }),
            field('last contact', { unit: 'dateTimeFromNow', custom: { width: 140 } }),
            field('version', { custom: { width: 78 } }),
            field('profile', { custom: { width: 75 } }),
            field('CPU', {
              unit: 'percent',
              decimals: 1,
              thresholds: goodUntil(50, 90),
              custom: { ...coloredText, minWidth: 60 },
            }),
            field('memory', { unit: 'bytes', decimals: 0, custom: { minWidth: 80 } }),
            fields(/\/day$/, { unit: 'bytes', decimals: 1, custom: { minWidth: 105 } }),
            field('lake', { unit: 'bytes', decimals: 1, custom: { minWidth: 80 } }),
            field('days to full', {
              decimals: 0,
              noValue: '—',
              thresholds: daysLeft,
              custom: { ...coloredText, minWidth: 108 },
            }),
            field('certificate', {
              unit: 'd',
              decimals: 0,
              thresholds: daysLeft,
              custom: { ...coloredText, minWidth: 100 },
            }),
            field('restarts', { decimals: 0, thresholds: goodUntil(1, 5), custom: { ...coloredText, minWidth: 85 } }),
          ],
        }),
      },
    ],
  },
  {
    height: 7,
    cells: [
      {
        width: 24,
        panel: table({
          title: 'Connectors and how they are',
          description:
            'What each node pulls events from: its state and since when, events a second over the last minute, stream breaks since the node started, and what to do where something is wrong. Nodes that do not answer have none here.',
          queries: [
            sql(`
              SELECT node, name AS connector, state, since, last_event AS "last event", rate AS "events/s", breaks,
                version AS kubearmor, detail
              FROM armorlake.connectors ORDER BY state = 'streaming', breaks DESC, node, name`),
          ],
          empty: 'no node that answers has a connector, or none answers.',
          overrides: [
            field('node', texts(110)),
            field('connector', texts(110)),
            field('state', { mappings: [state], custom: { ...coloredText, width: 110 } }),
            field('since', moment),
            field('last event', moment),
            field('events/s', { decimals: 1, custom: { width: 90 } }),
            field('breaks', { decimals: 0, thresholds: goodUntil(1), custom: { ...coloredText, width: 80 } }),
            field('kubearmor', texts(110)),
            field('detail', texts(200, true)),
          ],
        }),
      },
    ],
  },
  {
    height: 8,
    cells: [
      {
        width: 24,
        panel: table({
          title: 'Visibility seen',
          description:
            'Which telemetry came from each host in the range: events of processes, files and network, and events of the host itself, outside all namespaces. KubeArmor sends only what its visibility says; what was not seen cannot be ruled out.',
          queries: [sql(visibilityTable)],
          empty: 'no node that stores events is known.',
          overrides: [
            field('node', texts(110)),
            field('host', texts(130)),
            ...['process', 'file', 'network', 'of the host'].map((name) =>
              field(name, {
                mappings: [notSeen],
                thresholds: always(stateColours.good),
                custom: { ...coloredText, width: 90 },
              }),
            ),
            field('last event', moment),
            field('to see more', texts(200, true)),
          ],
        }),
      },
    ],
  },
];
