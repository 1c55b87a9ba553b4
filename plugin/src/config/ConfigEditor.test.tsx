// @vitest-environment jsdom
import '../testing/browser.mjs';
import { DataSourceTestFailed, DataSourceTestSucceeded } from '@grafana/data';
import { act, cleanup, configure, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import React, { useState } from 'react';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Failure, FakeGrafana, newSettings } from '../testing/grafana.js';
import { testIds } from '../testIds.js';
import { text } from '../text.js';
import { ConfigEditor } from './ConfigEditor.js';
import type { Settings } from './settings.js';

// Machines are slow at times.
configure({ asyncUtilTimeout: 20_000 });

const ids = testIds.config;
const words = text.config;
const HEALTH = 'datasources/uid/lake/health';

let grafana = new FakeGrafana();
beforeEach(() => {
  grafana = new FakeGrafana().install();
});
afterEach(cleanup);

/** Shows the editor as Grafana does; each change comes back to it. */
function show(changes: Partial<Settings> = {}): { last(): Settings; count(): number } {
  const seen: Settings[] = [];
  const first = { ...newSettings, ...changes };
  function Page(): React.JSX.Element {
    const [options, setOptions] = useState(first);
    return (
      <ConfigEditor
        options={options}
        onOptionsChange={(changed) => {
          seen.push(changed);
          setOptions(changed);
        }}
      />
    );
  }
  render(<Page />);
  return { last: () => seen.at(-1) ?? first, count: () => seen.length };
}

/** As typed, but in one go. */
async function write(field: HTMLElement, typed: string): Promise<void> {
  await userEvent.click(field);
  await userEvent.paste(typed);
}

describe('the config editor', () => {
  it('changes nothing by being opened', () => {
    const page = show({ jsonData: { urls: ['http://a'], tlsCaCert: true, links: { process: '' } } });
    expect(page.count()).toBe(0);
  });

  it('takes several URLs, in order, and says what is wrong with one', async () => {
    const page = show();
    await write(screen.getByTestId(ids.url(0)), 'query.example:7470');
    expect(screen.getByText(words.urls.problems.scheme)).toBeTruthy();
    await userEvent.clear(screen.getByTestId(ids.url(0)));
    await write(screen.getByTestId(ids.url(0)), 'http://a:7470');
    expect(screen.queryByText(words.urls.problems.scheme)).toBeNull();
    await userEvent.click(screen.getByTestId(ids.addUrl));
    await write(screen.getByTestId(ids.url(1)), ' http://b:7470 ');
    await userEvent.tab();
    expect(page.last().jsonData.urls).toEqual(['http://a:7470', 'http://b:7470']);
    await userEvent.click(screen.getByLabelText(words.urls.remove(1)));
    expect(page.last().jsonData.urls).toEqual(['http://b:7470']);
  });

  it('keeps the token among the secrets, and resets a saved one', async () => {
    const page = show({ secureJsonFields: { token: true } });
    expect((screen.getByTestId(ids.token) as HTMLInputElement).disabled).toBe(true);
    await userEvent.click(screen.getByRole('button', { name: /reset/iu }));
    expect(page.last()).toMatchObject({ secureJsonFields: { token: false }, secureJsonData: { token: '' } });
    await write(screen.getByTestId(ids.token), 'abc');
    expect(page.last().secureJsonData).toEqual({ token: 'abc' });
    expect(page.last().jsonData).toEqual({});
  });

  it('asks for certificates only where they are used', async () => {
    const page = show();
    expect(screen.queryByTestId(ids.pem('caCert'))).toBeNull();
    await userEvent.click(screen.getByTestId(ids.tlsSwitch('tlsCaCert')));
    await userEvent.click(screen.getByTestId(ids.tlsSwitch('tlsClientCert')));
    await write(screen.getByTestId(ids.pem('caCert')), 'CA');
    await write(screen.getByTestId(ids.pem('clientCert')), 'CERT');
    await write(screen.getByTestId(ids.pem('clientKey')), 'KEY');
    await write(screen.getByTestId(ids.serverName), 'query.example');
    expect(page.last()).toMatchObject({
      jsonData: { tlsCaCert: true, tlsClientCert: true, serverName: 'query.example' },
      secureJsonData: { caCert: 'CA', clientCert: 'CERT', clientKey: 'KEY' },
    });
  });

  it('takes whole numbers only, and forgets an emptied one', async () => {
    const page = show();
    const timeout = screen.getByTestId(ids.timeout);
    await write(timeout, '5000');
    expect(page.last().jsonData.timeoutMs).toBe(5_000);
    await write(timeout, 'x');
    expect(screen.getByText(words.wholeNumber(100))).toBeTruthy();
    expect(page.last().jsonData.timeoutMs).toBe(5_000);
    await userEvent.clear(timeout);
    expect(page.last().jsonData).not.toHaveProperty('timeoutMs');
    expect(screen.queryByText(words.wholeNumber(100))).toBeNull();
  });

  it('sets the policy on partial answers, the default table, the row limit and the links', async () => {
    const page = show();
    await userEvent.click(screen.getByLabelText(words.partial.choices.fail.label));
    await write(screen.getByTestId(ids.defaultTable), 'kubearmor.logs');
    await write(screen.getByTestId(ids.rowLimit), '200');
    await userEvent.clear(screen.getByTestId(ids.link('process')));
    expect(page.last().jsonData).toEqual({
      partial: 'fail',
      defaultTable: 'kubearmor.logs',
      rowLimit: 200,
      links: { process: '' },
    });
  });

  it('can’t be changed when it is provisioned', () => {
    show({ readOnly: true, jsonData: { urls: ['http://a'] } });
    const inputs = [...screen.getAllByRole('textbox'), ...screen.getAllByRole('radio')] as HTMLInputElement[];
    expect(inputs.filter(({ disabled }) => !disabled)).toEqual([]);
  });

  it('names each field for those who can’t see it', () => {
    show({ jsonData: { tlsCaCert: true, tlsClientCert: true } });
    for (const field of screen.getAllByRole('textbox')) {
      const input = field as HTMLInputElement;
      expect([input.id, (input.labels?.length ?? 0) > 0 || input.hasAttribute('aria-label')]).toEqual([input.id, true]);
    }
  });
});

describe('Save & test', () => {
  const node = {
    name: 'edge-1',
    role: 'edge',
    state: 'alive',
    version: '0.1.0',
    cluster: 'west',
    labels: { site: 'a' },
    rows: 12_000,
  };
  const url = { url: 'http://a:7470', failed: null, message: 'fine', node: 'q', version: '0.1.0', ms: 12 };

  it('shows the nodes that are known, those in trouble first', async () => {
    const failed = { ...node, name: 'edge-2', state: 'failed', reason: 'silent since 12:00' };
    grafana.answers.set(HEALTH, { status: 'OK', message: 'x', details: { urls: [url], nodes: [node, failed] } });
    show();
    act(() => {
      grafana.events.publish(new DataSourceTestSucceeded());
    });
    const rows = within(await screen.findByTestId(ids.healthNodes))
      .getAllByRole('row')
      .slice(1);
    expect(rows.map((row) => within(row).getByRole('rowheader').textContent)).toEqual(['edge-2', 'edge-1']);
    expect(rows[0]?.textContent).toContain('silent since 12:00');
    expect(rows[1]?.textContent).toContain('12,000');
    expect(screen.getByTestId(ids.healthUrls).textContent).toContain(words.health.passed);
  });

  it('says which step failed, with hostile text made visible', async () => {
    const bad = { ...url, failed: 'tls', message: 'certificate \u202eexpired', node: null, version: null };
    grafana.answers.set(
      HEALTH,
      new Failure(400, { status: 'ERROR', message: 'x', details: { urls: [bad], nodes: [] } }),
    );
    show();
    act(() => {
      grafana.events.publish(new DataSourceTestFailed());
    });
    const table = await screen.findByTestId(ids.healthUrls);
    expect(table.textContent).toContain(words.health.failedAt(words.health.steps.tls));
    expect(table.textContent).toContain('certificate \\u{202e}expired');
    expect(screen.queryByTestId(ids.healthNodes)).toBeNull();
  });

  it('shows nothing of its own when the plugin did not answer', async () => {
    grafana.answers.set(HEALTH, new Failure(500, { message: 'plugin unavailable' }));
    show();
    act(() => {
      grafana.events.publish(new DataSourceTestFailed());
    });
    expect(await screen.findByText(words.health.hint)).toBeTruthy();
    expect(screen.queryByTestId(ids.healthUrls)).toBeNull();
  });
});
