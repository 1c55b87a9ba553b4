import { describe, expect, it } from 'vitest';
import type { Settings } from './settings.js';
import { urlProblem, wholeNumber, withJson, withSecret, withoutSecret } from './settings.js';

const settings: Settings = {
  id: 1,
  uid: 'a',
  orgId: 1,
  name: 'Armorlake',
  typeLogoUrl: '',
  type: 'armorlake-kubearmor-datasource',
  typeName: '',
  access: 'proxy',
  url: '',
  user: '',
  database: '',
  basicAuth: false,
  basicAuthUser: '',
  isDefault: false,
  jsonData: { urls: ['http://a:7470'], rowLimit: 100 },
  secureJsonFields: { token: true },
  readOnly: false,
  withCredentials: false,
};

describe('settings', () => {
  it('change only what is named, and leave out what is undefined', () => {
    expect(withJson(settings, { timeoutMs: 5 }).jsonData).toEqual({ ...settings.jsonData, timeoutMs: 5 });
    expect(withJson(settings, { rowLimit: undefined }).jsonData).toStrictEqual({ urls: ['http://a:7470'] });
    expect(settings.jsonData.rowLimit).toBe(100);
  });

  it('keep saved secrets apart from typed ones', () => {
    const typed = withSecret(settings, 'caCert', 'PEM');
    expect(typed.secureJsonData).toEqual({ caCert: 'PEM' });
    expect(typed.secureJsonFields).toEqual({ token: true });
    const reset = withoutSecret(typed, 'token');
    expect(reset.secureJsonFields['token']).toBe(false);
    expect(reset.secureJsonData).toEqual({ caCert: 'PEM', token: '' });
  });
});

describe('a URL of a query node', () => {
  it.each([
    ['http://127.0.0.1:7470', null],
    [' https://query.example/armorlake ', null],
    ['https://[::1]:7470', null],
    ['', 'empty'],
    ['   ', 'empty'],
    ['query.example:7470', 'scheme'],
    ['ftp://query.example', 'scheme'],
    ['http://', 'malformed'],
    ['http://a b', 'malformed'],
    ['https://admin:secret@query.example', 'credentials'],
    ['https://query.example/?token=x', 'query'],
    ['https://query.example/#x', 'query'],
  ])('%j: %s', (url, problem) => {
    expect(urlProblem(url)).toBe(problem);
  });
});

describe('a whole number', () => {
  it.each([
    ['', undefined],
    [' 500 ', 500],
    ['1', 1],
    ['0', null],
    ['-1', null],
    ['1.5', null],
    ['1e3', null],
    ['abc', null],
    ['99999999999999999999', null],
  ])('%j: %s', (typed, value) => {
    expect(wholeNumber(typed, 1)).toBe(value);
  });
});
