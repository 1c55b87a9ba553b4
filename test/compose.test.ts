import { execFile } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import Ajv from 'ajv';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import type { NodeCliOptions } from '../backend/src/cli/node-options.js';
import { nodeConfigOf, withNodeOptions } from '../backend/src/cli/node-options.js';
import { simulateCommand } from '../backend/src/cli/simulate.js';
import type { Io } from '../backend/src/cli/io.js';
import { offline } from '../backend/src/cli/demo/grafana-settings.js';
import { systemClock } from '../backend/src/core/index.js';
import { inspect } from '../backend/src/network/index.js';
import { Workplace, launcher } from './cli-support.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const document: unknown = parse(read('docker-compose.yaml'), { merge: true });

const condition = z.object({ condition: z.string() });
const service = z.looseObject({
  image: z.string(),
  build: z.object({ context: z.string(), target: z.string() }).optional(),
  user: z.string(),
  read_only: z.boolean().optional(),
  privileged: z.boolean().optional(),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  tmpfs: z.array(z.string()).default([]),
  restart: z.string(),
  network_mode: z.string().optional(),
  networks: z.array(z.string()).default([]),
  ports: z.array(z.string()).default([]),
  profiles: z.array(z.string()).default([]),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), condition).default({}),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  deploy: z.object({
    resources: z.object({ limits: z.object({ cpus: z.string(), memory: z.string(), pids: z.number() }) }),
  }),
});
type Service = z.infer<typeof service>;

const stack = z
  .looseObject({
    services: z.record(z.string(), service),
    networks: z.record(z.string(), z.object({ internal: z.boolean().default(false) })),
    volumes: z.record(z.string(), z.null()),
  })
  .parse(document);
const services = Object.entries(stack.services).map(([name, each]) => ({ name, ...each }));

/** The real KubeArmor is part of the kernel, as it were: it can't be confined. */
const ofTheKernel = ['kubearmor-init', 'kubearmor'];
const confined = services.filter(({ name }) => !ofTheKernel.includes(name));
/** Those that others wait for to end. */
const once = new Set(
  services.flatMap(({ depends_on }) =>
    Object.entries(depends_on).flatMap(([name, { condition: kind }]) =>
      kind === 'service_completed_successfully' ? [name] : [],
    ),
  ),
);

/** A volume's or bind's source, its path in the container, and whether it is read-only. */
function mountsOf({ volumes }: Pick<Service, 'volumes'>): readonly (readonly [string, string, boolean])[] {
  return volumes.map((text) => {
    const [source = '', target = '', mode] = text.split(':');
    return [source, target, mode === 'ro'];
  });
}

describe('docker-compose.yaml', () => {
  it('fits the published Compose schema', () => {
    const { $schema: _draft, ...schema } = JSON.parse(read('test/data/compose-spec.json')) as Record<string, unknown>;
    const ajv = new Ajv({ allErrors: true, unknownFormats: 'ignore', logger: false });
    const valid = ajv.compile(schema);
    expect(valid(document) === true ? [] : valid.errors).toEqual([]);
    // It is the schema that would find a fault.
    expect(valid({ services: { one: { image: 'x', read_onyl: true } } })).toBe(false);
  });

  it('has Grafana, three edges with simulated KubeArmors and a query node; the real KubeArmor in a profile', () => {
    const usual = services.filter(({ profiles }) => profiles.length === 0).map(({ name }) => name);
    const edges = ['edge-1', 'edge-2', 'edge-3'];
    const simulated = ['kubearmor-east', 'kubearmor-plant', 'kubearmor-west'];
    expect(usual.toSorted()).toEqual(['certificates', ...edges, 'grafana', ...simulated, 'plugin', 'query']);
    const profiled = services.filter(({ profiles }) => profiles.includes('kubearmor')).map(({ name }) => name);
    expect(profiled.toSorted()).toEqual(['edge-host', 'kubearmor', 'kubearmor-init']);
  });

  it.each(confined)('$name is not root, writes nowhere but into volumes and tmpfs, and gains no privileges', (each) => {
    expect(each.user).toMatch(/^[1-9]\d*:\d+$/);
    expect(each).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
    expect(each.privileged).toBeUndefined();
    expect(each.tmpfs.join()).toMatch(/^\/tmp:size=/);
  });

  it.each(services)(
    '$name has limits, a pinned image, a health check (or an end), and mounts that are there',
    (each) => {
      const { cpus, memory, pids } = each.deploy.resources.limits;
      // Docker refuses more processors than the machine has.
      expect(Number(cpus)).toBeGreaterThan(0);
      expect(Number(cpus)).toBeLessThanOrEqual(1);
      expect(memory).toMatch(/^\d+[MG]$/);
      expect(pids).toBeGreaterThan(0);
      if (each.build === undefined)
        expect(each.image).toMatch(/^[a-z/-]+:v?\d+\.\d+\.\d+(-ubuntu)?(@sha256:[0-9a-f]{64})?$/);
      else expect(each.image).toMatch(/^armorlake(-plugin)?:demo$/);
      if (once.has(each.name)) expect(each.restart).toMatch(/^(no|on-failure:\d)$/);
      else expect(each.healthcheck?.test[0]).toBe('CMD');
      for (const [source, target] of mountsOf(each)) {
        expect(target).toMatch(/^\//);
        if (source.startsWith('./')) expect(existsSync(join(root, source)), source).toBe(true);
        else if (source.startsWith('/')) expect(ofTheKernel).toContain(each.name);
        else expect(Object.keys(stack.volumes)).toContain(source);
      }
      for (const network of each.networks) expect(Object.keys(stack.networks)).toContain(network);
      for (const name of Object.keys(each.depends_on)) expect(Object.keys(stack.services)).toContain(name);
    },
  );

  it('publishes one port, on loopback; all but Grafana are on a network that leads nowhere', () => {
    expect(services.flatMap(({ ports }) => ports)).toEqual(['127.0.0.1:${GRAFANA_PORT:-3000}:3000']);
    expect(stack.networks).toEqual({ inside: { internal: true }, outside: { internal: false } });
    for (const { name, networks, network_mode } of services) {
      if (network_mode !== undefined) expect([network_mode, networks]).toEqual(['none', []]);
      else expect(networks).toEqual(name === 'grafana' ? ['inside', 'outside'] : ['inside']);
    }
  });

  it('uses every volume it names', () => {
    const used = new Set(services.flatMap((each) => mountsOf(each).map(([source]) => source)));
    for (const volume of Object.keys(stack.volumes)) expect(used).toContain(volume);
  });

  it('gives Grafana the plugin, the provisioning, and the settings of the demo without Docker', () => {
    const { environment, volumes, depends_on } = stack.services['grafana'] ?? service.parse({});
    expect(environment).toMatchObject({
      ...offline,
      ARMORLAKE_URL: 'http://query:7470',
      GF_PATHS_PROVISIONING: '/etc/grafana/provisioning',
      GF_PATHS_PLUGINS: '/plugins',
      GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS: 'armorlake-kubearmor-datasource',
      GF_AUTH_ANONYMOUS_ORG_ROLE: 'Editor',
      GF_SERVER_ENFORCE_DOMAIN: 'true',
    });
    expect(volumes).toEqual([
      'grafana:/var/lib/grafana',
      'plugins:/plugins:ro',
      './provisioning:/etc/grafana/provisioning:ro',
    ]);
    const home = environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? '';
    expect(existsSync(join(root, 'provisioning', home.slice('/etc/grafana/provisioning/'.length)))).toBe(true);
    expect(depends_on).toMatchObject({ plugin: { condition: 'service_completed_successfully' } });
    expect(stack.services['plugin']?.volumes).toEqual(['plugins:/plugins']);
  });
});

describe('its commands', () => {
  const place = new Workplace();
  afterAll(() => place.close());

  const io: Io = {
    out: () => Promise.resolve(),
    err: () => undefined,
    input: Readable.from([]),
    inputIsTerminal: false,
    outIsTerminal: false,
    errIsTerminal: false,
    columns: 80,
    rows: 40,
    environment: {},
    cwd: place.folder,
    signal: new AbortController().signal,
  };
  const nodes = services.filter(({ command }) => command[0] === 'node').map((each) => ({ ...each, ...configOf(each) }));

  /** The configuration a node would start with; refused here as there. */
  function configOf({ command }: Pick<Service, 'command'>): { readonly config: ReturnType<typeof nodeConfigOf> } {
    const options = withNodeOptions(new Command('node'))
      .exitOverride()
      .parse(command.slice(1), { from: 'user' })
      .opts<NodeCliOptions>();
    return { config: nodeConfigOf(options, io) };
  }

  it.each(nodes)('$name starts a node that finds its volume, its certificate and its neighbours', (each) => {
    const { name, config, volumes } = each;
    const kinds: Readonly<Record<string, string>> = { query: 'query' };
    expect(config).toMatchObject({ name, data: '/data', network: { role: kinds[name] ?? 'edge', insecure: false } });
    expect(volumes).toContain(`${name}:/data`);
    expect(volumes).toContain(`${name}-certificate:/certificates/${name}:ro`);
    expect(config.network.tls).toEqual({
      ca: `/certificates/${name}/ca.crt`,
      cert: `/certificates/${name}/${name}.crt`,
      key: `/certificates/${name}/${name}.key`,
    });
    for (const { host, port } of config.network.join) {
      const listen = nodes.find((other) => other.name === host)?.config.network.listen;
      expect(listen).toEqual({ host: '0.0.0.0', port });
    }
    for (const { address } of config.kubearmor) {
      const [host = '', port] = address.split(':');
      expect([host, port]).toEqual([expect.stringMatching(/^kubearmor/), '32767']);
      expect(Object.keys(stack.services)).toContain(host);
    }
    // What listens beyond loopback says so; who asks there is on the inner network.
    expect(config.http.host).toBe(name === 'query' ? '0.0.0.0' : '127.0.0.1');
    expect(config.http.insecure).toBe(name === 'query');
    expect(each.healthcheck?.test.join(' ')).toContain(`http://127.0.0.1:${config.http.port}/readyz`);
  });

  it.each(services.filter(({ command }) => command[0] === 'simulate'))('$name tells its part of the story', (each) => {
    const context = {
      io,
      clock: systemClock,
      startNode: () => Promise.reject(new Error('no node here')),
      launcher,
      version: '0',
      setExitCode: () => undefined,
    };
    const command = simulateCommand(context);
    const [kubearmor] = command.commands;
    let options: Readonly<Record<string, unknown>> = {};
    kubearmor?.exitOverride().action((given: Readonly<Record<string, unknown>>) => {
      options = given;
    });
    command.exitOverride().parse(each.command.slice(1), { from: 'user' });
    expect(options).toMatchObject({ listen: '0.0.0.0:32767', story: each.name.slice('kubearmor-'.length) });
    expect(each.healthcheck?.test.join(' ')).toContain("connect(32767, '127.0.0.1'");
  });

  describe('the certificates', () => {
    const certificates = place.path('certificates');
    const names = nodes.map(({ name }) => name);
    const image = stack.services['certificates'] ?? service.parse({});
    const make = async (): Promise<void> => {
      const bin = place.path('bin');
      mkdirSync(bin, { recursive: true });
      writeFileSync(join(bin, 'armorlake'), `#!/bin/sh\nexec "${process.execPath}" "${launcher}" "$@"\n`);
      chmodSync(join(bin, 'armorlake'), 0o755);
      const PATH = `${bin}:${process.env['PATH'] ?? ''}`;
      await promisify(execFile)('sh', [join(root, 'docker/certificates.sh'), certificates], { env: { PATH } });
    };

    beforeAll(() => {
      for (const [, target] of mountsOf(image)) mkdirSync(join(place.folder, target), { recursive: true });
    });

    it('are made for each node, in a volume of its own, and anew at the next start', async () => {
      expect(image.entrypoint).toEqual(['sh', '/opt/armorlake/docker/certificates.sh', '/certificates']);
      const volumes = names.map((name) => `${name}-certificate:/certificates/${name}`);
      expect(image.volumes.toSorted()).toEqual(['ca:/certificates/ca', ...volumes].toSorted());
      await make();
      const files = (name: string): string => join(certificates, name, `${name}.crt`);
      const before = names.map((name) => inspect(files(name), Date.now()));
      expect(before.map(({ name, role, hosts }) => [name, role, hosts])).toEqual(
        names.map((name) => (name === 'query' ? [name, 'query', ['query']] : [name, 'edge', []])),
      );
      for (const name of names) {
        expect(existsSync(join(certificates, name, `${name}.key`))).toBe(true);
        expect(existsSync(join(certificates, name, 'ca.crt'))).toBe(true);
        expect(existsSync(join(certificates, name, 'ca.key'))).toBe(false);
      }
      await make();
      const after = names.map((name) => inspect(files(name), Date.now()));
      for (const [index, { fingerprint, issuer }] of after.entries()) {
        expect(fingerprint).not.toBe(before[index]?.fingerprint);
        expect(issuer).toBe(before[index]?.issuer);
      }
    });
  });
});

describe('docker/pin-images.sh', () => {
  const place = new Workplace();
  afterAll(() => place.close());

  it("writes them beside all tags of others' images, and anew when it is run again", async () => {
    expect(read('docs/demo.md')).toContain('```sh\nsh docker/pin-images.sh\n```');
    const files = ['Dockerfile', 'docker-compose.yaml'];
    for (const name of files) copyFileSync(join(root, name), place.path(name));
    const pinned = async (digest: string): Promise<readonly string[]> => {
      const answer = `#!/bin/sh\necho "Name:      docker.io/$4"\necho "Digest:    ${digest}"\n`;
      writeFileSync(place.path('docker'), answer, { mode: 0o755 });
      const PATH = `${place.folder}:${process.env['PATH'] ?? ''}`;
      await promisify(execFile)('sh', [join(root, 'docker/pin-images.sh')], { cwd: place.folder, env: { PATH } });
      return files.map((name) => readFileSync(place.path(name), 'utf8'));
    };
    const tag = /((?:FROM node|image: (?:grafana|kubearmor)\/[a-z-]+):[\w.-]+)/g;
    expect(files.flatMap((name) => read(name).match(tag) ?? [])).toHaveLength(6);
    for (const digest of [`sha256:${'a'.repeat(64)}`, `sha256:${'b'.repeat(64)}`]) {
      expect(await pinned(digest)).toEqual(files.map((name) => read(name).replaceAll(tag, `$1@${digest}`)));
    }
    await expect(pinned('none')).rejects.toMatchObject({
      stderr: expect.stringMatching(/^No digest of \S+ was found/),
    });
  });
});

describe('Dockerfile', () => {
  const lines = read('Dockerfile')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const stages = lines.flatMap((line) => {
    const [, from = '', name = ''] = /^FROM (\S+) AS (\S+)$/.exec(line) ?? [];
    return name === '' ? [] : [{ from, name }];
  });

  it('pins its base images, and what runs is not root', () => {
    const own = new Set(stages.map(({ name }) => name));
    for (const { from } of stages)
      if (!own.has(from)) expect(from).toMatch(/^node:24\.\d+\.\d+-bookworm-slim(@sha256:[0-9a-f]{64})?$/);
    const targets = new Set(services.flatMap(({ build }) => (build === undefined ? [] : [build.target])));
    for (const target of targets) {
      const start = lines.findIndex((line) => line.endsWith(` AS ${target}`));
      const end = lines.findIndex((line, index) => index > start && line.startsWith('FROM '));
      const stage = lines.slice(start, end === -1 ? undefined : end);
      expect(stage.filter((line) => line.startsWith('USER '))).toEqual(['USER node']);
      expect(stage.findIndex((line) => line.startsWith('RUN '))).toBeLessThan(stage.indexOf('USER node'));
    }
  });

  it('installs what the lock file says, and only what production needs where it runs', () => {
    const installs = lines.filter((line) => line.includes('npm '));
    expect(installs.filter((line) => line.includes('npm install'))).toEqual([]);
    const production = lines.indexOf('FROM manifests AS production');
    expect(lines[production + 1]).toMatch(/^RUN npm ci --omit=dev .*--workspace backend/);
    expect(lines).toContain('COPY --from=production /src/node_modules node_modules');
  });

  it('copies what is there, and what .dockerignore lets through', () => {
    const rules = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = lines.flatMap((line) => {
      const [, sources] = /^COPY (?!--from)(.+) \S+$/.exec(line) ?? [];
      return sources?.split(' ') ?? [];
    });
    expect(copied.length).toBeGreaterThan(8);
    for (const path of copied) {
      expect(existsSync(join(root, path)), path).toBe(true);
      expect(
        rules.some((rule) => path === rule || path.startsWith(`${rule}/`)),
        path,
      ).toBe(true);
    }
  });

  it('makes the folders that volumes are mounted at, for their owner', () => {
    const made = new Set(lines.flatMap((line) => line.match(/\/(?:data|plugins|certificates)[\w/-]*/g) ?? []));
    const owned = services.filter(({ build }) => build !== undefined).flatMap(mountsOf);
    expect(owned.length).toBeGreaterThan(10);
    for (const [, target] of owned) expect(made).toContain(target);
  });
});
