import { readFileSync, readdirSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import type { Behaviour, StandInRecord } from './stand-in-grafana.js';

/** What a StandInGrafana runs. */

const { env } = process;
const setting = (name: string): string => env[name] ?? '';
const home = (process.argv.find((each) => each.startsWith('--homepath=')) ?? '').slice('--homepath='.length);
const behaviour = JSON.parse(readFileSync(join(home, 'behaviour.json'), 'utf8')) as Behaviour;
const admin = `Basic ${Buffer.from(`admin:${setting('GF_SECURITY_ADMIN_PASSWORD')}`).toString('base64')}`;
const dashboards = readdirSync(join(setting('GF_PATHS_PROVISIONING'), 'dashboards', 'json'));

const server = createServer((request, response) => {
  const path = (request.url ?? '').split('?')[0];
  if (path === '/api/health') {
    answer(response, { database: 'ok', version: behaviour.version ?? '12.2.0' });
  } else if (request.headers.authorization !== admin) {
    response.writeHead(401).end('{}');
  } else if (path === '/api/datasources/uid/armorlake/health') {
    void fetch(`${setting('ARMORLAKE_URL')}/readyz`).then(({ status }) => {
      write(status);
      answer(response, { status: status === 200 ? 'OK' : 'ERROR' });
    });
  } else if (path === '/api/search') {
    if (behaviour.diesWith !== undefined) {
      console.error('level=error msg="the disk is gone"');
      process.exit(behaviour.diesWith);
    }
    answer(
      response,
      dashboards.map((uid) => ({ uid })),
    );
  } else if (path === '/api/prometheus/grafana/api/v1/rules') {
    answer(response, { data: { groups: [{ rules: [rule('One', 'firing'), rule('Two', 'inactive')] }] } });
  } else {
    response.writeHead(404).end('{}');
  }
});

function answer(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
}

function rule(name: string, state: string): unknown {
  return { name, state };
}

function write(ready: number): void {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen');
  const plugins = setting('GF_PATHS_PLUGINS');
  const record: StandInRecord = {
    pid: process.pid,
    args: process.argv.slice(2),
    environment: Object.fromEntries(Object.entries(env).map(([name, value = '']) => [name, value])),
    listening: { address: address.address, port: address.port },
    plugins: Object.fromEntries(readdirSync(plugins).map((name) => [name, realpathSync(join(plugins, name))])),
    ready,
  };
  writeFileSync(join(home, 'record.json.part'), JSON.stringify(record));
  renameSync(join(home, 'record.json.part'), join(home, 'record.json'));
}

process.once('SIGTERM', () => {
  writeFileSync(join(home, 'ended'), '');
  process.exit(0);
});
server.listen(Number(setting('GF_SERVER_HTTP_PORT')), setting('GF_SERVER_HTTP_ADDR'));
