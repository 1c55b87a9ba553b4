// @vitest-environment jsdom
import './testing/browser.mjs';
import { describe, expect, it } from 'vitest';
import { dashboardVariables } from './dashboardVariables.js';
import type { FakeVariable } from './testing/grafana.js';
import { FakeGrafana } from './testing/grafana.js';

function variables(set: Readonly<Record<string, FakeVariable>>, scopedVars = {}) {
  const grafana = new FakeGrafana();
  for (const [name, variable] of Object.entries(set)) grafana.variables.set(name, variable);
  return dashboardVariables(grafana.templates, scopedVars);
}

describe('the variables of a dashboard', () => {
  it('have one value, or several, exactly as chosen', () => {
    const { lookup } = variables({ one: { values: ["o'neil"] }, several: { values: ['a,b', '{c}', '$one'] } });
    expect(lookup('one')).toEqual({ values: ["o'neil"], all: false });
    expect(lookup('several')).toEqual({ values: ['a,b', '{c}', '$one'], all: false });
  });

  it('say which of them are text boxes', () => {
    const { lookup } = variables({ word: { values: [''], type: 'textbox' }, none: { values: [] } });
    expect(lookup('word')).toEqual({ values: [''], all: false, textBox: true });
    expect(lookup('none')).toEqual({ values: [], all: false });
  });

  it('that are not there are null', () => {
    expect(variables({}).lookup('nothing')).toBeNull();
  });

  it('know All, but not of an option that is called so', () => {
    const { lookup } = variables({ ns: { values: ['a', 'b'], all: true }, odd: { values: ['All'] } });
    expect(lookup('ns')).toEqual({ values: ['a', 'b'], all: true });
    expect(lookup('odd')).toEqual({ values: ['All'], all: false });
  });

  it('have the custom value of All as it is written', () => {
    const { lookup } = variables({ ns: { values: ['a', 'b'], all: true, allValue: '.*' } });
    expect(lookup('ns')).toEqual({ values: ['.*'], all: false });
  });

  it('are those of a repeated panel, whatever the dashboard has chosen', () => {
    const { lookup } = variables({ ns: { values: ['a', 'b'], all: true } }, { ns: { value: 'a', text: 'a' } });
    expect(lookup('ns')).toEqual({ values: ['a'], all: false });
  });

  it('with a format are replaced by Grafana', () => {
    expect(variables({ ns: { values: ['a', 'b'] } }).formatted('${ns:csv}')).toBe('a,b');
  });
});
