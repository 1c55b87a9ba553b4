import { describe, expect, it } from 'vitest';
import { lineFields, linesOf } from './lines.js';
import { packetOf } from './packet.js';

const schema = [
  'time',
  'node',
  'seq',
  'operation',
  'process',
  'resource',
  'remote_ip',
  'remote_port',
  'severity',
  'policy',
].map((name) => ({ name, type: name === 'time' ? 'TIMESTAMP' : 'VARCHAR' }));
const row = [
  '2026-01-01T00:00:00Z',
  'edge-1',
  7,
  'Network',
  '/usr/bin/curl',
  'remoteip=1.2.3.4 port=80',
  '1.2.3.4',
  80,
  9,
  'no-curl',
];

const place = { links: { process: 'processes', workload: '', sightings: '' }, dataSource: 'lake' };

function shown(line: readonly string[] | undefined): Record<string, unknown> {
  return Object.fromEntries(
    lineFields(place).map(({ name }, index) => [name, JSON.parse(line?.[index] ?? 'null') as unknown]),
  );
}

describe('a line of a live tail', () => {
  it('reads as that of a query does, also by columns that are not shown beside it', () => {
    const [line] = linesOf({ schema, rows: [row] }, 'kubearmor.alerts', 10, place);
    expect(shown(line)).toMatchObject({
      body: 'Network /usr/bin/curl → 1.2.3.4:80 [no-curl]',
      severity: 'critical',
      id: 'edge-1/7',
      node: 'edge-1',
      seq: '7',
    });
    const labels = shown(line)['labels'];
    expect(labels).toMatchObject({ policy: 'no-curl' });
    expect(labels).not.toHaveProperty('remote_ip');
    expect(labels).not.toHaveProperty('body');
  });

  it('of a message is the message, with its own level', () => {
    const messages = ['time', 'node', 'seq', 'level', 'message'].map((name) => ({
      name,
      type: name === 'time' ? 'TIMESTAMP' : 'VARCHAR',
    }));
    const rows = [['2026-01-01T00:00:00Z', 'edge-1', 8, 'WARN', 'feeder restarted']];
    const [line] = linesOf({ schema: messages, rows }, 'kubearmor.messages', 10, place);
    expect(shown(line)).toMatchObject({ body: 'feeder restarted', severity: 'warn', id: 'edge-1/8' });
  });

  it('is one of the last, when there are more than anybody reads', () => {
    const rows = [1, 2, 3].map((seq) => row.map((value, index) => (index === 2 ? seq : value)));
    const lines = linesOf({ schema, rows }, 'kubearmor.alerts', 2, place);
    expect(lines.map((line) => shown(line)['id'])).toEqual(['edge-1/2', 'edge-1/3']);
  });

  it('goes as a frame in JSON, with the links of a query’s line', async () => {
    const lines = linesOf({ schema, rows: [row] }, 'kubearmor.alerts', 10, place);
    const packet: unknown = JSON.parse(packetOf(lineFields(place), lines, null).toString());
    const golden = '../../../test/data/plugin-frames/live.json';
    await expect(`${JSON.stringify(packet, null, 2)}\n`).toMatchFileSnapshot(golden);
  });

  it('has no such fields where no dashboard shows processes', () => {
    const nowhere = { ...place, links: { ...place.links, process: '' } };
    expect(lineFields(nowhere).map(({ name }) => name)).toEqual(['timestamp', 'body', 'severity', 'id', 'labels']);
  });
});
