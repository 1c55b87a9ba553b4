import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Variables } from '../plugin/shared/index.js';
import { compileQuery, interpolateModel, parseModel } from '../plugin/shared/index.js';
import { dashboards } from '../provisioning/src/dashboards.js';
import { Workplace } from './cli-support.js';
import { ask, joinAddress, membersAlive, startQueryNode } from './support/federation-nodes.js';
import { TestKubeArmor, TestNode, until } from './support/node-process.js';

const folder = fileURLToPath(new URL('../provisioning/dashboards/json/', import.meta.url));

const target = z.looseObject({ refId: z.string() });
const panel = z.looseObject({
  type: z.string(),
  title: z.string(),
  description: z.string().optional(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  targets: z.array(target).default([]),
});
type Panel = z.infer<typeof panel>;
const board = z.looseObject({
  uid: z.string(),
  annotations: z.object({ list: z.array(z.looseObject({ name: z.string(), target })) }),
  templating: z.object({
    list: z.array(
      z.looseObject({
        name: z.string(),
        type: z.string(),
        current: z.looseObject({ value: z.union([z.string(), z.array(z.string())]).optional() }).optional(),
      }),
    ),
  }),
  panels: z.array(panel.extend({ panels: z.array(panel).default([]) })),
});

/** Panels of which an untroubled fleet has nothing to show, or only until somebody chooses something. */
const mayBeEmpty: readonly string[] = ['Gaps', 'Throttled containers'];

const boards = [...dashboards].map(([file, json]) => ({ file, json, ...board.parse(json) }));
const panelsOf = ({ panels }: z.infer<typeof board>): readonly Panel[] =>
  panels.flatMap((each) => [each, ...each.panels]);

describe('the dashboards', () => {
  it('are in the repository as their sources make them (`npm run generate`)', () => {
    expect(readdirSync(folder).toSorted()).toEqual([...dashboards.keys()].toSorted());
    for (const [file, json] of dashboards) expect(JSON.parse(readFileSync(folder + file, 'utf8'))).toEqual(json);
  });

  it.each(boards)('$file names no data source but ${datasource}', ({ json }) => {
    const uids = JSON.stringify(json).matchAll(/"datasource":\{"type":"[^"]*","uid":"([^"]*)"/g);
    expect(new Set([...uids].map(([, uid]) => uid))).toEqual(new Set(['${datasource}']));
  });

  it.each(boards)('$file has panels that say what they show, beside and below each other', (each) => {
    const shown = panelsOf(each).filter(({ type }) => type !== 'row');
    expect(shown.filter(({ type, description = '' }) => type !== 'text' && description.length < 20)).toEqual([]);
    expect(new Set(shown.map(({ title }) => title)).size).toBe(shown.length);
    const overlapping = shown.flatMap((one) =>
      shown.filter(
        ({ gridPos: { x, y, w, h } }) =>
          one.gridPos.x < x + w &&
          x < one.gridPos.x + one.gridPos.w &&
          one.gridPos.y < y &&
          y < one.gridPos.y + one.gridPos.h &&
          h > 0,
      ),
    );
    expect(overlapping).toEqual([]);
  });

  it('link only to dashboards that are there', () => {
    const known = new Set(boards.map(({ uid }) => uid));
    const links = boards.flatMap(({ json }) => [...JSON.stringify(json).matchAll(/\/d\/([a-z-]+)/g)]);
    expect(links.map(([, uid = '']) => uid).filter((uid) => !known.has(uid))).toEqual([]);
  });
});

describe('every query of the dashboards, asked of a fleet under attack', () => {
  const place = new Workplace();
  const simulators: TestKubeArmor[] = [];
  let query: TestNode;
  const chosen = new Map<string, string>();

  beforeAll(async () => {
    query = await startQueryNode(place);
    const join = await joinAddress(query);
    const names = ['edge-1', 'edge-2'];
    for (const [index, name] of names.entries()) {
      const kubearmor = await TestKubeArmor.start(place, { seed: 7 + index, rate: 800, count: 6000 });
      simulators.push(kubearmor);
      const args = ['--join', join, '--kubearmor', kubearmor.address, '--cluster', name];
      await TestNode.start(place, { data: name, args });
    }
    await membersAlive(query, ...names);
    const stored = "SELECT coalesce(sum(stored), 0)::BIGINT FROM armorlake.ledger WHERE stream IN ('logs', 'alerts')";
    let seen: unknown;
    await until(
      async () => {
        const { status, rows, error } = await ask(query, { sql: stored });
        seen = error ?? rows[0]?.[0];
        return status === 200 && Number(seen) >= 6_000;
      },
      () => `6,000 events are stored, but ${JSON.stringify(seen)}`,
      120_000,
    );
    const miner = "SELECT node, seq, concat_ws('|', node, coalesce(container_id, host), exec_session) AS session";
    const one = `${miner} FROM kubearmor.logs WHERE exec_session IS NOT NULL AND operation = 'Process' ORDER BY time, node, seq LIMIT 1`;
    const { rows } = await ask(query, { sql: one });
    const [node, seq, session] = (rows[0] ?? []).map(String);
    for (const [name, value] of Object.entries({ node, seq, session })) chosen.set(name, value ?? '');
    chosen.set(
      'indicators',
      '/dev/shm/kworker 51.15.58.224, pool.minexmr.example.com;www-data d41d8cd98f00b204e9800998ecf8427e',
    );
  }, 180_000);
  afterAll(async () => {
    for (const simulator of simulators) await simulator.close();
    await place.close();
  });

  /** The variables as the dashboard opens, and what a reader has chosen. */
  function variablesOf({ templating }: z.infer<typeof board>): Variables {
    return {
      lookup: (name) => {
        const variable = templating.list.find((each) => each.name === name);
        if (variable === undefined) return null;
        const value = [variable.current?.value ?? ''].flat();
        const picked = variable.type === 'textbox' ? chosen.get(name) : undefined;
        if (picked !== undefined) return { values: [picked], all: false };
        return { values: value, all: value.includes('$__all') };
      },
      // The event that the process dashboard has looked up by node and seq.
      formatted: (reference) =>
        reference === '${event:text}'
          ? (chosen.get('node') ?? '')
          : reference === '${event:raw}'
            ? (chosen.get('seq') ?? '')
            : reference,
    };
  }

  const queries = boards.flatMap((each) => [
    ...panelsOf(each).flatMap(({ title, targets }) => targets.map((one) => ({ each, title, one, rows: true }))),
    ...each.annotations.list.map(({ name, target: one }) => ({ each, title: name, one, rows: false })),
  ]);

  it.each(queries.map((one) => ({ name: `${one.each.uid}: ${one.title} (${one.one.refId})`, ...one })))(
    '$name',
    async ({ each, title, one, rows: wanted }) => {
      const model = interpolateModel(parseModel(one, 'kubearmor.alerts'), variablesOf(each));
      const toMs = Date.now();
      const context = { fromMs: toMs - 3_600_000, toMs, intervalMs: 10_000, maxDataPoints: 400 };
      const { sql, nodes, perNode, rows: limit } = compileQuery(model, context);
      const { status, rows, error } = await ask(query, { sql, nodes, perNode, limits: { rows: limit } });
      expect({ status, error }).toEqual({ status: 200, error: undefined });
      if (wanted && !mayBeEmpty.includes(title)) expect(rows.length).toBeGreaterThan(0);
    },
  );
});
