// @vitest-environment jsdom
import './testing/browser.mjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { Resources } from './resources.js';
import { Failure, FakeGrafana, resource } from './testing/grafana.js';

let grafana = new FakeGrafana();
beforeEach(() => {
  grafana = new FakeGrafana().install();
});

describe('resources', () => {
  it('ask for catalog and nodes once a minute, however many want them', async () => {
    let now = 1_000;
    const resources = new Resources('lake', () => now);
    grafana.answers.set(resource('nodes'), { nodes: [] });
    const [first, second] = await Promise.all([resources.nodes(), resources.nodes()]);
    expect(first).toBe(second);
    now += 59_000;
    await resources.nodes();
    expect(grafana.asked).toHaveLength(1);
    now += 2_000;
    await resources.nodes();
    expect(grafana.asked).toHaveLength(2);
  });

  it('ask again after a failure', async () => {
    const resources = new Resources('lake');
    grafana.answers.set(resource('catalog'), new Failure(502, { error: { code: 'NETWORK', message: 'no' } }));
    await expect(resources.catalog()).rejects.toMatchObject({ status: 502 });
    grafana.answers.set(resource('catalog'), { databases: [] });
    expect(await resources.catalog()).toEqual({ databases: [] });
  });
});
