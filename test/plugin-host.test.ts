import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { status } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { goPlugin, grafanaPlugin, health } from '../proto/src/index.js';
import { isAlive } from './cli-support.js';
import { PluginHost, PluginProcess, hostEnvironment } from './support/plugin-host.js';
import { until } from './support/node-process.js';

const hosts: PluginHost[] = [];
const folders: string[] = [];

async function start(...options: Parameters<typeof PluginHost.start>): Promise<PluginHost> {
  const host = await PluginHost.start(...options);
  hosts.push(host);
  return host;
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'armorlake-plugin-'));
  folders.push(made);
  return made;
}

afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
  for (const each of folders.splice(0)) rmSync(each, { recursive: true, force: true });
});

describe('the start', () => {
  it('without the cookie of Grafana is refused in a sentence', async () => {
    const started = new PluginProcess({ environment: { grafana_plugin_type: undefined } });
    expect(await started.exited).toEqual({ code: 1, signal: null });
    expect(started.stdout).toEqual([]);
    expect(started.noise.join(' ')).toMatch(/Grafana starts it/);
  });

  it('is refused where another version of the protocol is spoken', async () => {
    const started = new PluginProcess({ environment: { PLUGIN_PROTOCOL_VERSIONS: '3,4' } });
    expect((await started.exited).code).toBe(1);
    expect(started.noise.join(' ')).toMatch(/speaks version 2 .* offers 3,4 only/);
  });

  it('says one line on stdout, listens on a socket of its owner, and answers health', async () => {
    const socketDir = folder();
    const host = await start({ environment: { PLUGIN_UNIX_SOCKET_DIR: socketDir } });
    const [line = ''] = host.process.stdout;
    expect(line).toMatch(/^1\|2\|unix\|.+\|grpc\|$/);
    const path = line.split('|')[3] ?? '';
    expect(path.startsWith(`${socketDir}/`)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await host.isServing()).toBe(true);
    await expect(host.client.unary(health.Health.method.check, { service: 'other' })).rejects.toMatchObject({
      code: status.NOT_FOUND,
    });
    // Whatever it is asked, stdout stays silent.
    await host.queryData([{ model: {} }]);
    await host.checkHealth();
    expect(host.process.stdout).toEqual([line]);
  });

  it('admits the group that the host names', async () => {
    const socketDir = folder();
    const gid = String(process.getgid?.() ?? 0);
    await start({ environment: { PLUGIN_UNIX_SOCKET_DIR: socketDir, PLUGIN_UNIX_SOCKET_GROUP: gid } });
    const [name = ''] = readdirSync(socketDir);
    const { mode, gid: group } = statSync(join(socketDir, name));
    expect({ mode: mode & 0o777, group: String(group) }).toEqual({ mode: 0o660, group: gid });
  });

  it('takes a port of loopback where no socket can be made, and says so in the log', async () => {
    const host = await start({ environment: { PLUGIN_UNIX_SOCKET_DIR: '/proc/nowhere' } });
    expect(host.process.stdout[0]).toMatch(/^1\|2\|tcp\|127\.0\.0\.1:\d+\|grpc\|$/);
    expect(await host.isServing()).toBe(true);
    expect(host.process.log).toContainEqual(
      expect.objectContaining({ '@level': 'warn', '@message': expect.stringContaining('127.0.0.1') as string }),
    );
  });
});

describe('the log', () => {
  it('is lines as hclog writes them', async () => {
    const host = await start({ environment: { PLUGIN_UNIX_SOCKET_DIR: '/proc/nowhere' } });
    await host.shutdown();
    expect(host.process.noise).toEqual([]);
    expect(host.process.log.length).toBeGreaterThanOrEqual(2);
    for (const line of host.process.log) {
      expect(line['@level']).toMatch(/^(debug|info|warn|error)$/);
      expect(line['@message']).toEqual(expect.any(String));
      expect(line['@timestamp']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    }
  });
});

describe('the end', () => {
  it('comes with Shutdown: it replies, removes its socket and exits', async () => {
    const socketDir = folder();
    const host = await start({ environment: { PLUGIN_UNIX_SOCKET_DIR: socketDir } });
    // The idle streams that go-plugin holds open must not hold it up.
    const stdio = host.client.serverStream(goPlugin.GRPCStdio.method.streamStdio, {});
    stdio.on('error', () => undefined);
    const broker = host.client.bidi(goPlugin.GRPCBroker.method.startStream);
    broker.on('error', () => undefined);
    expect(await host.shutdown()).toEqual({ code: 0, signal: null });
    expect(readdirSync(socketDir)).toEqual([]);
  });

  it('comes with SIGTERM, not with SIGINT', async () => {
    const socketDir = folder();
    const host = await start({ environment: { PLUGIN_UNIX_SOCKET_DIR: socketDir } });
    host.process.child.kill('SIGINT');
    expect(await host.isServing()).toBe(true);
    host.process.child.kill('SIGTERM');
    expect(await host.process.exited).toEqual({ code: 0, signal: null });
    expect(readdirSync(socketDir)).toEqual([]);
  });

  it('comes when the parent has gone', async () => {
    const socketDir = folder();
    const [program = '', ...args] = new PluginProcess({ environment: { grafana_plugin_type: undefined } }).child
      .spawnargs;
    const parent = spawn('sh', ['-c', '"$@" & echo "pid $!"; wait', 'sh', program, ...args], {
      env: { PATH: process.env['PATH'], ...hostEnvironment, PLUGIN_UNIX_SOCKET_DIR: socketDir },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const lines: string[] = [];
    createInterface({ input: parent.stdout }).on('line', (line) => lines.push(line));
    await until(() => lines.length === 2, 'the plugin starts');
    const pid = Number(/pid (\d+)/.exec(lines.join(' '))?.[1]);
    const socket = /unix\|([^|]+)/.exec(lines.join(' '))?.[1] ?? '';
    expect(existsSync(socket)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await until(() => !isAlive(pid), 'the orphan ends', 60_000);
    expect(existsSync(socket)).toBe(false);
  });
});

describe('the calls', () => {
  it('take messages up to 16 MiB', async () => {
    const host = await start();
    const big = { model: { sql: 'x'.repeat(15 << 20) } };
    expect(Object.keys(await host.queryData([big]))).toEqual(['A']);
    const tooBig = { model: { sql: 'x'.repeat(17 << 20) } };
    await expect(host.queryData([tooBig])).rejects.toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(await host.isServing()).toBe(true);
  });

  it('fail each query in a sentence when the settings are not right', async () => {
    const host = await start();
    const { A, B } = await host.queryData([{ model: {} }, { model: {} }]);
    expect(A).toMatchObject({ status: 400, errorSource: 'downstream', frames: [] });
    expect(A?.error).toMatch(/^No URL of a query node is set\. Enter one/);
    expect(B).toEqual(A);
    expect(await host.callResource('catalog')).toMatchObject({ code: 400, body: { error: { code: 'BAD_SETTINGS' } } });
    expect(await host.checkHealth()).toMatchObject({
      status: 'ERROR',
      message: expect.stringMatching(/^Settings: No URL/) as string,
      details: { urls: [], nodes: [] },
    });
  });

  it('for what is not there are refused', async () => {
    const host = await start({ dataSource: { url: 'http://127.0.0.1:1' } });
    const published = await host.client.unary(grafanaPlugin.Stream.method.publishStream, {});
    expect(published.status).toBe(grafanaPlugin.PublishStreamResponse_Status.PERMISSION_DENIED);
    expect(await host.subscribe('other/x', {})).toMatchObject({ status: 'NOT_FOUND' });
    expect(await host.callResource('../secrets')).toMatchObject({ code: 404, body: { error: { code: 'NOT_FOUND' } } });
    expect(await host.callResource('catalog', {})).toMatchObject({ code: 404 });
    expect(await host.callResource('values', undefined, { method: 'POST' })).toMatchObject({
      code: 400,
      body: { error: { message: 'The body of the request is no JSON.' } },
    });
  });

  it('are counted in Prometheus’ form', async () => {
    const host = await start();
    await host.queryData([{ model: {} }]);
    const lines = (await host.collectMetrics()).split('\n');
    expect(lines).toContain('armorlake_plugin_calls_total{method="QueryData",outcome="BAD_SETTINGS"} 1');
    expect(lines).toContain('armorlake_plugin_call_seconds_count{method="QueryData"} 1');
    expect(lines.find((line) => /^process_resident_memory_bytes \d{7,}$/.test(line))).toBeDefined();
    for (const line of lines.filter((each) => each !== '')) {
      expect(line).toMatch(/^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{([a-z_]+="[^"]*",?)+\})? [\d.e+-]+)$/);
    }
  });
});
