import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArmorlakeError } from '../core/index.js';
import type { NodeConfig } from './index.js';
import { configKeys, defaultNodeName, loadConfig, profileLimits } from './index.js';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'armorlake-config-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Given {
  readonly yaml?: string;
  readonly environment?: Record<string, string>;
  readonly flags?: Record<string, { flag: string; value: string }>;
}

function load({ yaml, environment = {}, flags = {} }: Given): NodeConfig {
  const file = join(folder, 'armorlake.yaml');
  if (yaml !== undefined) writeFileSync(file, yaml);
  return loadConfig({
    ...(yaml === undefined ? {} : { file }),
    environment,
    flags: new Map(Object.entries(flags)),
    cwd: '/somewhere',
  });
}

function errorOf(given: Given): ArmorlakeError {
  try {
    load(given);
  } catch (thrown) {
    if (thrown instanceof ArmorlakeError) return thrown;
    throw thrown;
  }
  throw new Error('the configuration was accepted');
}

describe('precedence', () => {
  const yaml = 'name: from-file\nhttp:\n  port: 1001\n  host: 127.0.0.1\nlimits:\n  query:\n    rows: 11\n';

  it('takes defaults when nothing is given', () => {
    const config = load({});
    expect(config).toMatchObject({
      profile: 'server',
      name: defaultNodeName(),
      data: '/somewhere/armorlake-data',
      http: { host: '127.0.0.1', port: 7470, insecure: false, tls: null },
      cluster: null,
      network: { listen: null, join: [], role: 'edge', store: true, insecure: false, tokenFile: null, tls: null },
      kubearmor: [],
      redaction: { enabled: true },
      archive: null,
      limits: profileLimits('server'),
    });
    expect(config.retention).toEqual({
      logsMs: 7 * 86_400_000,
      alertsMs: 90 * 86_400_000,
      ledgerMs: 365 * 86_400_000,
      groupBytes: { logs: null, alerts: null, ledger: null },
      totalBytes: null,
      freeBytes: 500_000_000,
    });
  });

  it('lets the file win over the profile, and keeps its siblings', () => {
    const config = load({ yaml });
    expect(config.limits.query).toEqual({ ...profileLimits('server').query, rows: 11 });
    expect(config).toMatchObject({ name: 'from-file', http: { port: 1001 } });
  });

  it('lets the environment win over the file, and flags over both', () => {
    const environment = { ARMORLAKE_NAME: 'from-env', ARMORLAKE_HTTP_PORT: '1002', ARMORLAKE_LIMITS_QUERY_ROWS: '12' };
    const flags = { name: { flag: '--name', value: 'from-flag' } };
    expect(load({ yaml, environment })).toMatchObject({ name: 'from-env', http: { port: 1002, host: '127.0.0.1' } });
    expect(load({ yaml, environment, flags })).toMatchObject({
      name: 'from-flag',
      http: { port: 1002 },
      limits: { query: { rows: 12 } },
    });
  });

  it('applies a profile named anywhere, below explicit limits', () => {
    const config = load({
      yaml: 'limits: { engine: { threads: 3 } }',
      flags: { profile: { flag: '--profile', value: 'edge' } },
    });
    expect(config.profile).toBe('edge');
    expect(config.limits.engine).toEqual({ ...profileLimits('edge').engine, threads: 3 });
  });

  it('resolves paths of the file from its folder, and others from the working directory', () => {
    const config = load({
      yaml: 'data: lake\narchive: { dir: cold }\nkubearmor: [{ address: "a:1", tls: { ca: ca.crt, cert: c.crt, key: c.key } }]',
      environment: { ARMORLAKE_ARCHIVE_DIR: 'elsewhere' },
    });
    expect(config.data).toBe(join(folder, 'lake'));
    expect(config.archive?.dir).toBe('/somewhere/elsewhere');
    expect(config.kubearmor[0]?.tls?.ca).toBe(join(folder, 'ca.crt'));
  });

  it('takes ARMORLAKE_CONFIG as the file', () => {
    const file = join(folder, 'other.yaml');
    writeFileSync(file, 'name: other');
    expect(load({ environment: { ARMORLAKE_CONFIG: file } }).name).toBe('other');
  });
});

describe('values', () => {
  it('reads units', () => {
    const { retention, limits } = load({
      yaml: 'retention: { logs: { age: 36h }, alerts: { bytes: 200MB }, total: 3000000000, free: 1GB }\nlimits: { query: { timeout: 1500ms } }',
    });
    expect(retention).toMatchObject({
      logsMs: 36 * 3_600_000,
      groupBytes: { logs: null, alerts: 2e8, ledger: null },
      totalBytes: 3e9,
      freeBytes: 1e9,
    });
    expect(limits.query.timeoutMs).toBe(1500);
  });

  it('takes KubeArmors as a comma list or in full', () => {
    expect(load({ environment: { ARMORLAKE_KUBEARMOR: '10.0.0.1:32767, [::1]:32767' } }).kubearmor).toMatchObject([
      { name: 'kubearmor', address: '10.0.0.1:32767', streams: ['alerts', 'logs'], tls: null, cluster: null },
      { name: 'kubearmor-2', address: '[::1]:32767' },
    ]);
    const yaml =
      'kubearmor:\n  - name: relay\n    address: relay:32767\n    cluster: west\n    streams: [alerts]\n    filters: { alerts: policy }\n';
    expect(load({ yaml }).kubearmor).toEqual([
      {
        name: 'relay',
        address: 'relay:32767',
        cluster: 'west',
        tls: null,
        streams: ['alerts'],
        filters: { alerts: 'policy', logs: 'all' },
      },
    ]);
  });

  it('takes labels as mapping or pairs', () => {
    expect(load({ yaml: 'labels: { site: north, rack: 7 }' }).labels).toEqual({ site: 'north', rack: '7' });
    expect(load({ environment: { ARMORLAKE_LABELS: 'site=north,rack=7' } }).labels).toEqual({
      site: 'north',
      rack: '7',
    });
  });

  it('makes a node name of any host name', () => {
    expect(defaultNodeName('édge 1.example.')).toBe('dge-1.example');
    expect(defaultNodeName('ééé')).toBe('node');
    expect(defaultNodeName('x'.repeat(80))).toHaveLength(63);
  });
});

describe('the network', () => {
  const tls = { ca: 'ca.crt', cert: 'q1.crt', key: 'q1.key' };

  it('makes a node that can be joined a query node without data, unless it pulls events or is told to keep them', () => {
    const listen = 'network: { listen: "127.0.0.1:0" }';
    expect(load({ yaml: listen }).network).toEqual({
      listen: { host: '127.0.0.1', port: 0 },
      join: [],
      role: 'query',
      store: false,
      insecure: false,
      tokenFile: null,
      tls: null,
    });
    expect(load({ yaml: `${listen}\nkubearmor: [{ address: "a:1" }]` }).network.store).toBe(true);
    expect(load({ yaml: 'network: { listen: "127.0.0.1:0", store: true }' }).network.store).toBe(true);
  });

  it('takes hubs as list or text, and its files from where they are named', () => {
    const yaml = `network: { join: ["[::1]:7471", "hub.example:7471", "[::1]:7471"], tls: ${JSON.stringify(tls)} }`;
    const fromFile = load({ yaml }).network;
    const hubs = [
      { host: '::1', port: 7471 },
      { host: 'hub.example', port: 7471 },
    ];
    expect(fromFile).toMatchObject({ join: hubs, role: 'edge', store: true });
    expect(fromFile.tls?.key).toBe(join(folder, 'q1.key'));
    const environment = {
      ARMORLAKE_NETWORK_JOIN: '[::1]:7471, hub.example:7471',
      ...Object.fromEntries(
        Object.entries(tls).map(([key, value]) => [`ARMORLAKE_NETWORK_TLS_${key.toUpperCase()}`, value]),
      ),
    };
    const fromEnvironment = load({ environment }).network;
    expect(fromEnvironment.join).toEqual(hubs);
    expect(fromEnvironment.tls?.cert).toBe('/somewhere/q1.crt');
  });

  it("gives the node's cluster to KubeArmors that name none", () => {
    const yaml = 'cluster: west\nkubearmor: [{ address: "a:1" }, { address: "b:1", cluster: east }]';
    expect(load({ yaml }).kubearmor.map(({ cluster }) => cluster)).toEqual(['west', 'east']);
  });

  it('goes beyond this machine only with TLS or when told', () => {
    const yaml = 'network: { listen: "0.0.0.0:7471" }';
    expect(errorOf({ yaml }).message).toMatch(
      /^network\.listen is 0\.0\.0\.0:7471, .*armorlake cert.*--insecure-network/,
    );
    const joins = { environment: { ARMORLAKE_NETWORK_JOIN: '127.0.0.1:1,10.0.0.7:7471' } };
    expect(errorOf(joins).message).toMatch(/^network\.join names 10\.0\.0\.7:7471, .*--insecure-network/);
    const flags = { 'network.insecure': { flag: '--insecure-network', value: 'true' } };
    expect(load({ yaml, flags }).network.insecure).toBe(true);
    expect(
      load({ yaml: `network: { listen: "0.0.0.0:7471", tls: ${JSON.stringify(tls)} }` }).network.tls,
    ).not.toBeNull();
  });
});

describe('errors name the key and the fix', () => {
  it.each<[string, Given, RegExp]>([
    ['a key misspelt at the top', { yaml: 'htpp: {}' }, /"htpp" in .*armorlake\.yaml .*did you mean "http"\?/],
    [
      'a key misspelt inside',
      { yaml: 'limits: { query: { row: 5 } }' },
      /"limits\.query\.row" .*"limits\.query\.rows"/,
    ],
    ['a key at the wrong level', { yaml: 'port: 80' }, /"port" .*did you mean "http\.port"\?/],
    [
      'a key misspelt in a list',
      { yaml: 'kubearmor: [{ adress: "a:1", address: "a:1" }]' },
      /"kubearmor\[0\]\.adress" .*address/,
    ],
    [
      'a wrong number',
      { environment: { ARMORLAKE_HTTP_PORT: '70000' } },
      /^ARMORLAKE_HTTP_PORT must be a whole number from 0 to 65535; it is "70000"/,
    ],
    [
      'a wrong flag',
      { flags: { profile: { flag: '--profile', value: 'big' } } },
      /^--profile must be "edge" or "server"; it is "big"/,
    ],
    [
      'a wrong address in the environment',
      { environment: { ARMORLAKE_KUBEARMOR: 'nowhere' } },
      /^ARMORLAKE_KUBEARMOR must be HOST:PORT/,
    ],
    [
      'groups larger than the whole',
      { yaml: 'retention: { logs: { bytes: 2GB }, alerts: { bytes: 2GB }, total: 3GB }' },
      /are more than retention\.total/,
    ],
    ['a wrong size', { yaml: 'retention: { total: lots }' }, /"retention\.total" .* must be a size, as 500MB/],
    ['a mapping where a value is wanted', { yaml: 'name: { a: 1 }' }, /"name" .* must be 1 to 63 letters/],
    ['a value where a mapping is wanted', { yaml: 'http: 7470' }, /"http" .* must be a mapping of keys/],
    ['a missing key', { yaml: 'archive: { age: 1y }' }, /"archive\.dir".* is missing: it must be a path/],
    ['an address that is missing', { yaml: 'kubearmor: [{ name: a }]' }, /"kubearmor\[0\]\.address".* is missing/],
    ['a bad name', { flags: { name: { flag: '--name', value: '../x' } } }, /^--name must be 1 to 63 letters/],
    [
      'two connectors of one name',
      { yaml: 'kubearmor: [{ name: a, address: "a:1" }, { name: a, address: "b:1" }]' },
      /named "a": give each a "name"/,
    ],
    [
      'limits that contradict',
      { yaml: 'limits: { query: { rows: 50, maxRows: 5 } }' },
      /limits\.query\.rows is above limits\.query\.maxRows/,
    ],
    [
      'a reserve on the disk that has no room for a checkpoint',
      { yaml: 'retention: { free: 20MiB }\nlimits: { engine: { checkpoint: 16MiB } }' },
      /retention\.free is 20MiB.*limits\.engine\.checkpoint \(16MiB\) and 8MiB more.*raise it to 24MiB/,
    ],
    [
      'an edge that others shall join',
      { yaml: 'network: { listen: "127.0.0.1:1", role: edge }' },
      /network\.role is edge, but network\.listen/,
    ],
    [
      'an edge without a lake',
      { yaml: 'network: { store: false }' },
      /network\.store is false on a node of the role edge/,
    ],
    [
      'events that are pulled and not kept',
      { yaml: 'network: { store: false, role: query }\nkubearmor: [{ address: "a:1" }]' },
      /network\.store is false, but a KubeArmor/,
    ],
    [
      'a hub without a port',
      { flags: { 'network.join': { flag: '--join', value: '10.0.0.7' } } },
      /^--join must be HOST:PORT/,
    ],
    ['half of the TLS files', { yaml: 'network: { tls: { ca: a, cert: b } }' }, /"network\.tls\.key".* is missing/],
    ['broken YAML', { yaml: 'http: [1' }, /armorlake\.yaml, line \d+, column \d+: not valid YAML/],
    ['a list at the root', { yaml: '- a' }, /must hold a mapping of keys/],
    ['a key given twice', { yaml: 'name: a\nname: b' }, /line 2.*not valid YAML/],
    ['a prototype key', { yaml: '__proto__: { name: x }' }, /__proto__/],
  ])('%s', (_, given, sentence) => {
    const error = errorOf(given);
    expect(error.code).toBe('BAD_CONFIG');
    expect(error.message).toMatch(sentence);
  });

  it('names an unknown variable and the nearest one', () => {
    const error = errorOf({ environment: { ARMORLAKE_HTTP_PROT: '1' } });
    expect(error.message).toContain('ARMORLAKE_HTTP_PROT');
    expect(error.hint).toBe('Did you mean ARMORLAKE_HTTP_PORT?');
  });

  it('says which file it could not read', () => {
    expect(() => loadConfig({ file: 'none.yaml', environment: {}, flags: new Map(), cwd: folder })).toThrow(
      /Can't read the config file .*none\.yaml/,
    );
  });

  it('reports every problem at once', () => {
    expect(errorOf({ yaml: 'nmae: a\nprofile: huge' }).message.split('\n')).toHaveLength(2);
  });
});

it('gives every key a description and a variable of its own', () => {
  expect(configKeys.filter((key) => key.description === '')).toEqual([]);
  const variables = configKeys.flatMap((key) => key.env ?? []);
  expect(new Set(variables).size).toBe(variables.length);
});
