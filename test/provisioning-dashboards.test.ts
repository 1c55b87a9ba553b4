import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { compileQuery, execSession } from '../plugin/shared/index.js';
import { dashboards } from '../provisioning/src/dashboards.js';
import { stateColours } from '../provisioning/src/build/style.js';
import { Workplace } from './cli-support.js';
import type { Board } from './support/dashboards.js';
import { asked, askersOf, boards, panelsOf } from './support/dashboards.js';
import type { Asked } from './support/federation-nodes.js';
import { ask, joinAddress, memberGone, membersAlive, startQueryNode } from './support/federation-nodes.js';
import { TestKubeArmor, TestNode, until } from './support/node-process.js';

const folder = fileURLToPath(new URL('../provisioning/dashboards/json/', import.meta.url));

/** Panels of which an untroubled fleet has nothing to show, or only until somebody chooses something. */
const mayBeEmpty: readonly string[] = ['Gaps', 'Throttled containers'];

const HOUR_MS = 3_600_000;

/** Whether clusters and nodes are chosen above the dashboard. */
function placed({ templating }: Board): boolean {
  return templating.list.some(({ name, hide }) => name === 'cluster' && hide !== 2);
}

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
    const shown = panelsOf(each);
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

/** The URLs of a dashboard's links, at fields, panels, and above it. */
function urlsOf(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'url' in value && typeof value.url === 'string' ? [value.url] : [];
  return [...own, ...Object.values(value).flatMap(urlsOf)];
}

describe.each(boards)('the links of $file', ({ json, templating }) => {
  const own = templating.list.map(({ name }) => name);
  const urls = urlsOf(json).filter((url) => url.startsWith('/d/'));
  const named = (url: string): readonly string[] =>
    [...url.matchAll(/[?&](?:var-(\w+)=|\$\{(\w+):queryparam\})/g)].map(([, name, kept]) => name ?? kept ?? '');

  it('name each variable once: of one that is named twice, All would win', () => {
    for (const url of urls) {
      const all = url.includes('${__all_variables}') ? [...own, ...named(url)] : named(url);
      expect(new Set(all).size, url).toBe(all.length);
    }
  });

  it('name variables that the dashboard there has, and keep the time', () => {
    for (const url of urls.filter((each) => each.includes('?'))) {
      const there = boards.find(({ uid }) => url.startsWith(`/d/${uid}?`));
      const given = [...url.matchAll(/[?&]var-(\w+)=/g)].map(([, name = '']) => name);
      const known = there?.templating.list.map(({ name }) => name) ?? [];
      if (there !== undefined)
        expect(
          given.filter((name) => !known.includes(name)),
          url,
        ).toEqual([]);
      if (there !== undefined) expect(url).toMatch(/\$\{__url_time_range\}|from=\$\{__value\.time\}&to=/);
    }
  });

  it('hold no text of an event that is not encoded', () => {
    const texts = urls.flatMap((url) => [...url.matchAll(/\$\{(__value\.raw|__data\.fields[^}]*)\}/g)]);
    const open = texts.map(([text]) => text).filter((text) => !/:percentencode\}$|\.numeric\}$/.test(text));
    // A number of the data source's own.
    expect(open.filter((text) => !/^\$\{__data\.fields\["(seq|↑ parent)"\]\.text\}$/.test(text))).toEqual([]);
  });
});

describe('the panels', () => {
  const all = boards.flatMap((each) => panelsOf(each).map((panel) => ({ file: each.file, ...panel })));
  const shown = (type: string): typeof all => all.filter((panel) => panel.type === type);
  const noValueOf = (panel: unknown): string =>
    z.object({ fieldConfig: z.object({ defaults: z.object({ noValue: z.string().default('') }) }) }).parse(panel)
      .fieldConfig.defaults.noValue;

  it('say why they are empty', () => {
    const kinds = ['table', 'timeseries', 'state-timeline', 'barchart', 'logs', 'nodeGraph', 'traces'];
    const silent = kinds.flatMap(shown).filter((panel) => noValueOf(panel).length < 40);
    // A table of which every row is always there.
    expect(silent.map(({ title }) => title)).toEqual(['What is seen']);
  });

  it('do not pass a failed query off as a zero', () => {
    expect(shown('stat').filter((panel) => /\d/.test(noValueOf(panel)))).toEqual([]);
  });

  it('say so in a line, what it means first', () => {
    const said = all.map(noValueOf).filter((text) => text.length > 20);
    expect(said.length).toBeGreaterThan(20);
    for (const text of said) expect(text).toMatch(/^[A-Z].*\. \(△ by the title: nodes missing; red: query failed\.\)$/);
  });

  it('are not green without an answer', () => {
    const style = z.object({ mappings: z.array(z.looseObject({ type: z.string() })).default([]) });
    const config = z.object({ fieldConfig: z.object({ defaults: style }) });
    for (const panel of shown('stat')) {
      const { mappings } = config.parse(panel).fieldConfig.defaults;
      const result = expect.objectContaining({ color: stateColours.unknown });
      expect(mappings, panel.title).toContainEqual({ type: 'special', options: { match: 'null+nan', result } });
    }
  });

  it('show all of a word that is longer than its column, wherever text wraps', () => {
    const property = z.looseObject({ id: z.string(), value: z.unknown() });
    const override = z.object({ properties: z.array(property) });
    const config = z.object({ fieldConfig: z.object({ overrides: z.array(override) }) });
    const wrapping = shown('table').flatMap((panel) =>
      config
        .parse(panel)
        .fieldConfig.overrides.map(({ properties }) => new Map(properties.map(({ id, value }) => [id, value])))
        .filter((properties) => JSON.stringify(properties.get('custom.cellOptions'))?.includes('wrapText') ?? false),
    );
    expect(wrapping.length).toBeGreaterThan(8);
    for (const properties of wrapping) expect(properties.get('custom.inspect')).toBe(true);
  });

  it('cut no word without a mark, in a table that breaks none', () => {
    const regex = z.object({
      type: z.literal('regex'),
      options: z.object({ pattern: z.string(), result: z.object({ text: z.string() }) }),
    });
    const property = z.looseObject({ id: z.string(), value: z.unknown() });
    const config = z.object({
      fieldConfig: z.object({ overrides: z.array(z.object({ properties: z.array(property) })) }),
    });
    const path = `/run/secrets/${'kubernetes.io-'.repeat(12)}/token`;
    const checked = shown('table').flatMap((panel) =>
      config.parse(panel).fieldConfig.overrides.flatMap(({ properties }) => {
        const of = new Map(properties.map(({ id, value }) => [id, value]));
        if (!JSON.stringify(of.get('custom.cellOptions') ?? '').includes('wrapText')) return [];
        const [mapping] = z.tuple([regex]).parse(of.get('mappings'), { error: () => `${panel.title}: no mapping` });
        // As Grafana applies it.
        const [, body = '', flags] = /^\/(.*?)\/(g?)$/s.exec(mapping.options.pattern) ?? [];
        const short = (text: string): string => text.replace(new RegExp(body, flags), mapping.options.result.text);
        const width = z.number().parse(of.get('custom.width') ?? of.get('custom.minWidth'));
        expect(short('two words'), panel.title).toBe('two words');
        expect(short(path), panel.title).toMatch(/^\/ru.*….*en$/);
        expect(8 * short(path).length + 16, panel.title).toBeLessThanOrEqual(width);
        return [panel];
      }),
    );
    expect(checked.length).toBeGreaterThan(30);
  });

  it('offer nobody Explore, which a viewer may not open, and hand on no time zone', () => {
    for (const { uid, json } of boards) {
      const urls = urlsOf(json);
      expect(
        urls.filter((url) => url.startsWith('/explore')),
        uid,
      ).toEqual([]);
      for (const url of urls) expect(url).not.toMatch(/\$\{__url_time_range\}(?!&timezone=)/);
    }
  });

  it('open exactly the bucket of a bar', () => {
    for (const panel of shown('timeseries')) {
      const urls = urlsOf(panel);
      for (const url of urls) expect(url).toContain('?from=${__value.time}&to=${__data.fields.until.numeric}&');
      if (JSON.stringify(panel).includes('"drawStyle":"bars"')) expect(urls.length, panel.title).toBe(1);
    }
  });
});

describe.each(boards)('the variables of $file', ({ templating }) => {
  const all = templating.list;
  const lookup = z.object({
    scope: z.object({ clusters: z.array(z.string()), nodes: z.array(z.string()) }),
    filters: z.array(z.object({ column: z.string(), values: z.array(z.string()) })),
  });
  const asks = (name: string): z.infer<typeof lookup> | undefined => {
    const variable = all.find((each) => each.name === name && each.type === 'query');
    return variable === undefined ? undefined : lookup.parse(variable.query);
  };

  it('depend only on those before them', () => {
    for (const [index, { name, query }] of all.entries()) {
      const before = new Set(all.slice(0, index).map((each) => each.name));
      const named = [...JSON.stringify(query ?? '').matchAll(/\$\{?(?!__)([a-z]\w*)/g)].map(([, other = '']) => other);
      expect(
        named.filter((other) => !before.has(other)),
        name,
      ).toEqual([]);
    }
  });

  it.each([
    ['namespace', []],
    ['workload', ['namespace']],
    ['pod', ['namespace', 'workload']],
    ['policy', ['namespace', 'workload']],
  ])('offer as %s only what the chosen place has', (name, columns) => {
    const variable = asks(name);
    if (variable === undefined) return;
    expect(variable.scope).toMatchObject({ clusters: ['$cluster'], nodes: ['$node'] });
    expect(variable.filters).toMatchObject(columns.map((column) => ({ column, values: [`$${column}`] })));
  });

  it('offer the nodes of the chosen clusters', () => {
    for (const name of ['node', 'members']) {
      const variable = asks(name);
      if (variable !== undefined) expect(variable.scope).toMatchObject({ clusters: ['$cluster'], nodes: [] });
    }
  });
});

describe('every query of the dashboards, asked of a fleet under attack', () => {
  const place = new Workplace();
  const simulators: TestKubeArmor[] = [];
  const others = new Map<string, TestNode>();
  let query: TestNode;
  const chosen = new Map<string, string>();

  beforeAll(async () => {
    query = await startQueryNode(place);
    const join = await joinAddress(query);
    const names = ['edge-1', 'edge-2'];
    for (const [index, name] of names.entries()) {
      const kubearmor = await TestKubeArmor.start(place, { seed: 7 + index, rate: 800, count: 6000, lossless: true });
      simulators.push(kubearmor);
      const args = ['--join', join, '--kubearmor', kubearmor.address, '--cluster', name];
      others.set(name, await TestNode.start(place, { data: name, args }));
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
      240_000,
    );
    const miner = `SELECT node, seq, concat_ws('|', node, coalesce(container_id, host), ${execSession}) AS session`;
    const one = `${miner} FROM kubearmor.logs WHERE exec_session IS NOT NULL AND operation = 'Process' ORDER BY time, node, seq LIMIT 1`;
    const { rows } = await ask(query, { sql: one });
    const [node, seq, session] = (rows[0] ?? []).map(String);
    for (const [name, value] of Object.entries({ event_node: node, seq, session })) chosen.set(name, value ?? '');
    chosen.set(
      'indicators',
      '/dev/shm/kworker 51.15.58.224, pool.minexmr.example.com;www-data d41d8cd98f00b204e9800998ecf8427e',
    );
  }, 300_000);
  afterAll(async () => {
    for (const simulator of simulators) await simulator.close();
    await place.close();
  });

  const queries = boards.flatMap((each) =>
    askersOf(each).flatMap(({ title, annotation, targets }) =>
      targets.map((target) => ({ name: `${each.uid}: ${title} (${target.refId})`, each, title, annotation, target })),
    ),
  );

  interface Question {
    readonly written?: ReadonlyMap<string, string>;
    readonly picked?: ReadonlyMap<string, readonly string[]>;
    readonly fromMs?: number;
    readonly toMs?: number;
  }

  /** What one of them answers: of the last hour, of all, unless something else is said. */
  async function answered(
    { each, target }: Pick<(typeof queries)[number], 'each' | 'target'>,
    { written = chosen, picked, toMs = Date.now(), fromMs = toMs - HOUR_MS }: Question = {},
  ): Promise<Asked> {
    const context = { fromMs, toMs, intervalMs: 10_000, maxDataPoints: 400 };
    const { sql, nodes, perNode, rows } = compileQuery(asked(each, target, written, picked), context);
    const answer = await ask(query, { sql, nodes, perNode, limits: { rows } });
    expect({ status: answer.status, error: answer.error }).toEqual({ status: 200, error: undefined });
    return answer;
  }

  function titled(title: string): (typeof queries)[number] {
    const found = queries.find((each) => each.title === title);
    if (found === undefined) throw new Error(`There is no panel ${title}.`);
    return found;
  }

  /** The hunt's verdict on each indicator, and why. */
  async function verdicts(pasted: string, question: Question = {}): Promise<Map<unknown, readonly unknown[]>> {
    const { rows, schema } = await answered(titled('Each indicator'), {
      ...question,
      written: new Map([['indicators', pasted]]),
    });
    const at = (name: string): number => schema.findIndex((column) => column.name === name);
    return new Map(rows.map((row) => [row[at('indicator')], [row[at('verdict')], row[at('found')]]]));
  }

  it.each(queries)('$name', async ({ title, annotation, ...asker }) => {
    const { rows } = await answered(asker);
    if (!annotation && !mayBeEmpty.includes(title)) expect(rows.length).toBeGreaterThan(0);
  });

  it('finds what was pasted, and says why it can not know the rest', async () => {
    const pasted = `\n/DEV/shm/kworker,;"nobody'); DROP" ${Array.from({ length: 500 }, (_, index) => `/none/${index}`).join(' ')}\n`;
    const told = await verdicts(pasted);
    expect(told.get('/DEV/shm/kworker')?.[0]).toBe('Seen');
    expect(told.get('/none/1')).toEqual(['Unknown', expect.stringMatching('remembers too little: edge-1, edge-2')]);
    expect(told.get('3 more')).toEqual(['Unknown', 'only the first 500 are looked for']);
    expect(told.size).toBe(501);
  });

  it('knows nothing of a time before the nodes remember any', async () => {
    const toMs = Date.now() - 50 * 24 * HOUR_MS;
    const told = await verdicts('/none/1 nobody 203.0.113.9', { toMs, fromMs: toMs - 240 * HOUR_MS });
    const why = expect.stringMatching('remembers too little: edge-1, edge-2');
    expect([...told.values()]).toEqual([
      ['Unknown', why],
      ['Unknown', why],
      ['Unknown', why],
    ]);
    expect(told.get('nobody')?.[1]).toContain('no events from edge-1, edge-2');
  });

  it('calls nothing new where nothing older is remembered', async () => {
    const older = Date.now() - 50 * 24 * HOUR_MS;
    const binaries = titled('New binaries');
    expect((await answered(binaries, { fromMs: older })).rows).toEqual([[null]]);
    const [[latest] = []] = (await ask(query, { sql: 'SELECT epoch_ms(max(time)) FROM kubearmor.logs' })).rows;
    expect((await answered(binaries, { fromMs: Number(latest) })).rows).toEqual([[expect.any(Number)]]);
    const { rows, schema } = await answered(titled('What is seen'), { fromMs: older });
    const at = schema.findIndex(({ name }) => name === 'new');
    expect(new Set(rows.map((row) => row[at]))).toEqual(new Set([null]));
  });

  it('takes no first minutes of a node for the pace of its days', async () => {
    const nodes = queries.find(({ title, each }) => title === 'Nodes' && each.uid === 'armorlake-health');
    if (nodes === undefined) throw new Error('There is no table of nodes.');
    const { rows, schema } = await answered(nodes);
    const at = (name: string): number => schema.findIndex((column) => column.name === name);
    for (const row of rows)
      expect([row[at('CPU')], row[at('flash/day')], row[at('network/day')]]).toEqual([null, null, null]);
    expect(rows.length).toBe(3);
  });

  it('gives an outcome only to what an alert speaks of, or what did not happen', async () => {
    for (const title of ['Commands', 'Transcript of the chosen session']) {
      const { rows, schema } = await answered(titled(title));
      const at = (name: string): number => schema.findIndex((column) => column.name === name);
      const ordinary = rows.filter((row) => row[at('policy')] === null && row[at('outcome')] === 'happened');
      expect(ordinary, title).toEqual([]);
      expect(rows.filter((row) => row[at('outcome')] === null).length, title).toBeGreaterThan(0);
    }
  });

  it('leads from an event to its workload and pod', async () => {
    const card = queries.find(({ title, each }) => title === 'Where' && each.uid === 'armorlake-process-forensics');
    if (card === undefined) throw new Error('There is no card Where.');
    const { rows, schema } = await answered(card);
    const value = (row: readonly unknown[], name: string): unknown =>
      row[schema.findIndex((each) => each.name === name)];
    const opened = new Map(
      rows.filter((row) => value(row, 'open') === 'open').map((row) => [value(row, 'field'), row]),
    );
    expect([...opened.keys()]).toEqual(['workload', 'pod']);
    const [workload = [], pod = []] = [...opened.values()];
    const of = (row: readonly unknown[]): readonly unknown[] =>
      ['board', 'of namespace', 'of workload', 'of pod', 'of policy'].map((name) => value(row, name));
    const named = expect.stringMatching(/^[^$]/);
    expect(of(workload)).toEqual(['armorlake-workload-behaviour', named, named, '$__all', '$__all']);
    expect(of(pod)).toEqual(['armorlake-workload-behaviour', named, named, value(pod, 'value'), '$__all']);
  });

  it('says "Not seen" where nothing stands against it', async () => {
    const bounds = "SELECT epoch_ms(min(time)), epoch_ms(max(time)) FROM kubearmor.logs WHERE node = 'edge-1'";
    const [from, to] = ((await ask(query, { sql: bounds })).rows[0] ?? []).map(Number);
    const whole = { fromMs: (from ?? 0) + 1, toMs: to ?? 0, picked: new Map([['node', ['edge-1']]]) };
    const told = await verdicts('203.0.113.9 nobodys-name', whole);
    expect(told.get('203.0.113.9')).toEqual(['Not seen', null]);
    // The older KubeArmor of one host sends no user names.
    expect(told.get('nobodys-name')).toEqual([
      'Unknown',
      expect.stringMatching(/^no user names from \S+\/host \S+ \(edge-1\)$/),
    ]);
  });

  const one: readonly { readonly what: string; readonly picked: ReadonlyMap<string, readonly string[]> }[] = [
    { what: 'node', picked: new Map([['node', ['edge-1']]]) },
    {
      what: 'cluster',
      picked: new Map([
        ['cluster', ['edge-1']],
        ['members', ['edge-1']],
      ]),
    },
  ];

  describe.each(one)('with one $what chosen', ({ picked }) => {
    // What was asked before is in the SQL that Health lists; the process dashboard is about one event, whatever its node.
    const narrowed = queries.filter(({ title, each }) => title !== 'Costliest queries' && placed(each));

    it('speak of no other node', { timeout: 300_000 }, async () => {
      for (const asker of narrowed) {
        const { rows } = await answered(asker, { picked });
        expect(JSON.stringify(rows), asker.name).not.toContain('edge-2');
      }
    });

    it('say everything once, however few nodes are asked', async () => {
      const steps = (await answered(titled('From received to stored'), { picked })).rows.map(([step]) => step);
      expect(steps.filter((step) => step === 'received')).toEqual(['received']);
      const health = queries.filter(({ title, each }) => title === 'Nodes' && each.uid === 'armorlake-health');
      for (const nodes of health) expect((await answered(nodes, { picked })).rows.length).toBe(1);
      expect(health.length).toBe(1);
    });
  });

  it('miss a node that went away only where it is asked for', async () => {
    await others.get('edge-2')?.die('both');
    await memberGone(query, 'edge-2');
    const hunted = await verdicts('/none/1');
    expect(hunted.get('/none/1')).toEqual(['Unknown', expect.stringMatching('away: edge-2')]);
    expect((await answered(titled('Absent nodes'))).rows.length).toBe(1);
    expect((await answered(titled('Answering'))).rows).toEqual([[1, 2]]);
    for (const { picked } of one) {
      expect((await answered(titled('Absent nodes'), { picked })).rows).toEqual([]);
      expect((await answered(titled('Answering'), { picked })).rows).toEqual([[1, 1]]);
      const narrowed = await verdicts('/none/1', { picked });
      expect(narrowed.get('/none/1')).toEqual(['Unknown', expect.not.stringContaining('edge-2')]);
    }
    const gone = { picked: new Map([['node', ['edge-2']]]) };
    expect((await verdicts('/none/1', gone)).get('/none/1')).toEqual([
      'Unknown',
      expect.stringMatching('away: edge-2'),
    ]);
  });
});
