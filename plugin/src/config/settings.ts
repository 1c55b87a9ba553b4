import type { DataSourceSettings } from '@grafana/data';
import type { ArmorlakeSecureJsonData } from '../../shared/index.js';
import type { ArmorlakeOptions } from '../types.js';

export type Settings = DataSourceSettings<ArmorlakeOptions, ArmorlakeSecureJsonData>;
export type SecretName = keyof ArmorlakeSecureJsonData;

/** With changed settings; a setting that is undefined is left out of what is saved. */
export function withJson(settings: Settings, change: Partial<ArmorlakeOptions>): Settings {
  const merged = Object.entries({ ...settings.jsonData, ...change }).filter(([, value]) => value !== undefined);
  return { ...settings, jsonData: Object.fromEntries(merged) };
}

/** With a secret typed, not yet saved. */
export function withSecret(settings: Settings, name: SecretName, value: string): Settings {
  return { ...settings, secureJsonData: { ...settings.secureJsonData, [name]: value } };
}

/** Without a saved secret: saving removes it. */
export function withoutSecret(settings: Settings, name: SecretName): Settings {
  return {
    ...settings,
    secureJsonFields: { ...settings.secureJsonFields, [name]: false },
    secureJsonData: { ...settings.secureJsonData, [name]: '' },
  };
}

/** Why a URL of a query node can't be one; null: it can. */
export function urlProblem(written: string): 'empty' | 'scheme' | 'malformed' | 'credentials' | 'query' | null {
  const text = written.trim();
  if (text === '') return 'empty';
  if (!/^https?:\/\//iu.test(text)) return 'scheme';
  if (!URL.canParse(text)) return 'malformed';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'credentials';
  return url.search !== '' || url.hash !== '' ? 'query' : null;
}

/** A whole number of at least `least` as typed; undefined when nothing is typed, null when it is none. */
export function wholeNumber(typed: string, least: number): number | null | undefined {
  const text = typed.trim();
  if (text === '') return undefined;
  const value = Number(text);
  return /^\d+$/u.test(text) && Number.isSafeInteger(value) && value >= least ? value : null;
}
