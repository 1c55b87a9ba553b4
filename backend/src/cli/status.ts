import { Command } from 'commander';
import { z } from 'zod';
import { formatBytes, formatDuration } from '../config/index.js';
import { printable } from '../core/index.js';
import type { Answer, Client } from './client.js';
import type { CliContext, ClientOptions } from './context.js';
import { clientOf, withClientOptions } from './context.js';
import { coverageNotices } from './coverage-notices.js';
import { rowsAsObjects } from './event-line.js';
import { networkStatus, networkText } from './network-status.js';
import { renderTable } from './table.js';
import { jsonLine } from './text.js';

interface StatusOptions extends ClientOptions {
  readonly json?: boolean;
}

/** What status asks, in the order it is shown. */
const sections = {
  nodes: {
    title: 'Nodes',
    none: 'none known',
    sql: 'SELECT name, role, state, version, last_contact FROM armorlake.nodes ORDER BY name',
  },
  connectors: {
    title: 'Connectors',
    none: 'none configured: armorlake node --kubearmor HOST:PORT',
    sql: 'SELECT node, name, kind, state, since, last_event, round(rate, 1) AS rate, breaks, version, detail FROM armorlake.connectors ORDER BY node, name',
  },
  ledger: {
    title: 'Events of the last hour',
    none: 'none',
    sql:
      'SELECT node, connector, stream, sum(received)::BIGINT AS received, sum(stored)::BIGINT AS stored, ' +
      'sum(dead_lettered)::BIGINT AS dead_lettered, sum(dropped)::BIGINT AS dropped ' +
      'FROM armorlake.ledger WHERE minute >= now()::TIMESTAMP - INTERVAL 1 HOUR GROUP BY node, connector, stream ORDER BY node, connector, stream',
  },
  gaps: {
    title: 'Gaps of the last day, latest first',
    none: 'none',
    sql:
      'SELECT node, connector, stream, from_time, to_time, cause, estimated FROM armorlake.gaps ' +
      'WHERE coalesce(to_time, now()::TIMESTAMP) >= now()::TIMESTAMP - INTERVAL 1 DAY ORDER BY from_time DESC LIMIT 10',
  },
} as const;

type Section = keyof typeof sections;

/** `armorlake status`: how a node is and what it receives. */
export function statusCommand(context: CliContext): Command {
  const { io, clock } = context;
  return withClientOptions(new Command('status'), io)
    .description('how a node and its network are: nodes, connectors, what was received, what is missing')
    .option('--json', 'as JSON')
    .addHelpText('after', '\nExamples:\n  armorlake status\n  armorlake status --json --url http://127.0.0.1:7480')
    .action(async (options: StatusOptions) => {
      const client = clientOf(options, io);
      const node = nodeStatus.parse(await client.json('/api/v1/status', { signal: io.signal, deadlineMs: 10_000 }));
      // A node that isn't ready can't be asked for its tables.
      const answers = node.ready ? withOwnDetails(node, await ask(client, io.signal)) : [];
      await io.out(
        options.json === true
          ? jsonLine(asJson(client.url, node, answers))
          : asText(client.url, node, answers, clock.wallMs()),
      );
      context.setExitCode(node.ready ? 0 : 1);
    });
}

/** The part of the node's own account that is shown to people. */
const nodeStatus = z.looseObject({
  node: z.string(),
  version: z.string(),
  ready: z.boolean(),
  engine: z.looseObject({ state: z.string(), restarts: z.number() }),
  lake: z
    .looseObject({
      rows: z.record(z.string(), z.number()),
      hotBytes: z.number(),
      walBytes: z.number(),
      archiveBytes: z.number(),
      // Unknown to a node of an older version.
      archiveAway: z.boolean().optional(),
    })
    .nullable(),
  ingest: z.looseObject({
    queuedRows: z.number(),
    droppedEvents: z.number(),
    lagMs: z.number(),
    diskFull: z.boolean(),
  }),
  connectors: z.array(z.looseObject({ name: z.string(), detail: z.string().nullable() })),
  network: networkStatus.nullish(),
  warnings: z.array(z.string()),
});

type NodeStatus = z.infer<typeof nodeStatus>;
type Answers = readonly (readonly [Section, Answer])[];

async function ask(client: Client, signal: AbortSignal): Promise<Answers> {
  return Promise.all(
    Object.entries(sections).map(
      async ([name, { sql }]) => [name as Section, await client.query(sql, { signal })] as const,
    ),
  );
}

/** The node tells an admin which file of the host a connector of its own can't read; the table tells nobody. */
function withOwnDetails({ node, connectors }: NodeStatus, answers: Answers): Answers {
  const details = new Map(connectors.map(({ name, detail }) => [name, detail]));
  return answers.map(([section, answer]) => {
    if (section !== 'connectors') return [section, answer] as const;
    const at = (column: string): number => answer.schema.findIndex(({ name }) => name === column);
    const [nodeAt, nameAt, detailAt] = [at('node'), at('name'), at('detail')];
    const rows = answer.rows.map((row) =>
      row[nodeAt] === node ? row.with(detailAt, details.get(String(row[nameAt])) ?? row[detailAt]) : row,
    );
    return [section, { ...answer, rows }] as const;
  });
}

function asText(url: string, node: NodeStatus, answers: Answers, nowMs: number): string {
  const network = node.network ?? null;
  // The account of the network says more than armorlake.nodes.
  const shown = answers.filter(([name]) => network === null || name !== 'nodes');
  const parts = shown.map(([name, answer]) => {
    const { title, none } = sections[name];
    return `${title}\n${answer.rows.length === 0 ? `${none}\n` : renderTable(answer.schema, answer.rows)}`;
  });
  const failures = shown.flatMap(([, { coverage }]) => (coverage?.complete === false ? coverageNotices(coverage) : []));
  return [
    nodeText(url, node),
    ...(network === null ? [] : [networkText(network, nowMs)]),
    ...parts,
    ...[...new Set(failures)].map((notice) => `${printable(notice)}\n`),
  ].join('\n');
}

function nodeText(url: string, { node, version, ready, engine, lake, ingest, warnings }: NodeStatus): string {
  const lines = [
    `${printable(node)} (${version}) at ${url} is ${ready ? 'ready' : `not ready: the engine is ${printable(engine.state)}`}.`,
  ];
  if (lake !== null) {
    const rows = Object.entries(lake.rows)
      .filter(([table]) => table.startsWith('kubearmor.'))
      .reduce((sum, [, count]) => sum + count, 0);
    const away = lake.archiveAway === true ? ' (away)' : '';
    const archive = lake.archiveBytes === 0 ? '' : `, archive ${formatBytes(lake.archiveBytes)}${away}`;
    lines.push(`Lake: ${rows} events in ${formatBytes(lake.hotBytes)}, WAL ${formatBytes(lake.walBytes)}${archive}`);
  }
  const lag = ingest.lagMs < 1000 ? '' : `, the oldest for ${formatDuration(ingest.lagMs)}`;
  lines.push(`Ingest: ${ingest.queuedRows} events wait${lag}; ${ingest.droppedEvents} dropped since the start`);
  if (ingest.diskFull) lines.push('Nothing is stored: the disk is full.');
  if (engine.restarts > 0) lines.push(`The engine was restarted ${engine.restarts} times since the start.`);
  lines.push(...warnings.map((warning) => `Warning: ${printable(warning)}`));
  return `${lines.join('\n')}\n`;
}

function asJson(url: string, node: NodeStatus, answers: Answers): Readonly<Record<string, unknown>> {
  const rows = answers.map(([name, answer]) => [name, rowsAsObjects(answer.schema, answer.rows)]);
  return { url, ...node, ...Object.fromEntries(rows) };
}
