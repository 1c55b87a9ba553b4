import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { grafanaPlugin } from '@armorlake/proto';
import { z } from 'zod';
import { LIMITS } from '../shared/model.js';
import type { LinkKind } from '../shared/settings.js';
import { linkDashboards, settingDefaults } from '../shared/settings.js';
import { PluginError, messageOf } from './errors.js';

/** What a data source is set to, checked. */
export interface Settings {
  readonly uid: string;
  readonly name: string;
  /** Query nodes by preference, without a slash at the end. */
  readonly urls: readonly string[];
  readonly token: string | null;
  readonly tls: TlsSettings;
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly partial: 'warn' | 'fail' | 'ignore';
  readonly defaultTable: string;
  /** Rows of a table query that says none itself. */
  readonly rowLimit: number;
  /** Dashboard uids; an empty text: no such links. */
  readonly links: Readonly<Record<LinkKind, string>>;
}

/** PEM texts; null: the CAs that are known anyway (`trustSystem`), no client certificate. */
export interface TlsSettings {
  readonly ca: string | null;
  readonly client: { readonly cert: string; readonly key: string } | null;
  readonly serverName: string | null;
  readonly skipVerify: boolean;
}

const milliseconds = z.number().int().min(100).max(600_000);

const mostRows = LIMITS.table.most;

const jsonData = z.looseObject({
  urls: z.array(z.string()).optional(),
  timeoutMs: milliseconds.optional(),
  connectTimeoutMs: milliseconds.optional(),
  partial: z.enum(['warn', 'fail', 'ignore']).optional(),
  defaultTable: z.string().optional(),
  rowLimit: z
    .number()
    .int()
    .min(1)
    .max(mostRows, `no table has more than ${mostRows.toLocaleString('en-US')} rows`)
    .optional(),
  tlsCaCert: z.boolean().optional(),
  tlsClientCert: z.boolean().optional(),
  serverName: z.string().optional(),
  tlsSkipVerify: z.boolean().optional(),
  links: z.record(z.string(), z.string()).optional(),
});

type JsonData = z.output<typeof jsonData>;

/**
 * Reads what Grafana says of a data source.
 * @throws PluginError BAD_SETTINGS, naming the field.
 */
export function parseSettings(message: grafanaPlugin.DataSourceInstanceSettings): Settings {
  const json = parseJsonData(message.jsonData);
  const secure = message.decryptedSecureJsonData;
  const given = (json.urls ?? []).map((url) => url.trim()).filter((url) => url !== '');
  const urls = (given.length > 0 || message.url === '' ? given : [message.url]).map(checkUrl);
  if (urls.length === 0) {
    throw new PluginError('BAD_SETTINGS', 'No URL of a query node is set.', {
      hint: 'Enter one in the settings of the data source, as https://edge.example:7470.',
    });
  }
  const { links } = json;
  return {
    uid: message.uid,
    name: message.name,
    urls,
    token: checkToken(nonEmpty(secure['token'])),
    tls: parseTls(json, secure),
    timeoutMs: json.timeoutMs ?? settingDefaults.timeoutMs,
    connectTimeoutMs: json.connectTimeoutMs ?? settingDefaults.connectTimeoutMs,
    partial: json.partial ?? settingDefaults.partial,
    defaultTable: nonEmpty(json.defaultTable) ?? settingDefaults.defaultTable,
    rowLimit: json.rowLimit ?? settingDefaults.rowLimit,
    links: {
      process: links?.['process'] ?? linkDashboards.process,
      workload: links?.['workload'] ?? linkDashboards.workload,
      sightings: links?.['sightings'] ?? linkDashboards.sightings,
    },
  };
}

function parseJsonData(bytes: Uint8Array): JsonData {
  let value: unknown;
  try {
    value = bytes.length === 0 ? {} : JSON.parse(Buffer.from(bytes).toString());
  } catch (thrown) {
    throw new PluginError('BAD_SETTINGS', `The settings of the data source are no JSON: ${messageOf(thrown)}`);
  }
  const parsed = jsonData.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new PluginError(
    'BAD_SETTINGS',
    `The setting jsonData.${issue?.path.join('.') ?? ''} is not right: ${issue?.message ?? 'unknown'}.`,
    { hint: 'Correct it in the settings of the data source, or in the file it is provisioned from.' },
  );
}

function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') {
    throw new PluginError('BAD_SETTINGS', `"${text}" is no URL of a query node.`, {
      hint: 'Write it as https://edge.example:7470.',
    });
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw new PluginError('BAD_SETTINGS', `The URL of ${url.host} holds more than an address.`, {
      hint: 'Leave out user, password, ? and #; the token has a field of its own.',
    });
  }
  return url.href.replace(/\/+$/, '');
}

function checkToken(token: string | null): string | null {
  if (token === null || /^[\x21-\x7e]+$/.test(token)) return token;
  throw new PluginError('BAD_SETTINGS', 'The token holds spaces, line breaks or characters that no token has.', {
    hint: 'Enter it as `armorlake token create` printed it.',
  });
}

function parseTls(json: JsonData, secure: Readonly<Record<string, string>>): TlsSettings {
  const ca = json.tlsCaCert === false ? null : nonEmpty(secure['caCert']);
  const cert = json.tlsClientCert === false ? null : nonEmpty(secure['clientCert']);
  const key = json.tlsClientCert === false ? null : nonEmpty(secure['clientKey']);
  if (json.tlsCaCert === true && ca === null) throw missing('CA certificate');
  if (json.tlsClientCert === true && cert === null) throw missing('client certificate');
  if (cert !== null && key === null) throw missing("client certificate's key");
  if (ca !== null) checkCertificate(ca, 'CA certificate');
  if (cert !== null) checkCertificate(cert, 'client certificate');
  const client = cert === null || key === null ? null : { cert, key };
  if (client !== null) checkPair(client);
  return { ca, client, serverName: nonEmpty(json.serverName), skipVerify: json.tlsSkipVerify === true };
}

function checkCertificate(pem: string, what: string): void {
  try {
    new X509Certificate(pem);
  } catch (thrown) {
    throw new PluginError('BAD_SETTINGS', `The ${what} can't be read: ${messageOf(thrown)}.`, {
      hint: 'Paste the PEM text, from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.',
      cause: thrown,
    });
  }
}

function checkPair(pair: { readonly cert: string; readonly key: string }): void {
  try {
    createSecureContext(pair);
  } catch (thrown) {
    throw new PluginError('BAD_SETTINGS', "The client certificate and its key don't make a pair.", {
      hint: `Paste both as PEM, the key without a passphrase (${messageOf(thrown)}).`,
      cause: thrown,
    });
  }
}

function missing(what: string): PluginError {
  return new PluginError('BAD_SETTINGS', `The ${what} is switched on, but empty.`, {
    hint: 'Paste its PEM text in the settings of the data source.',
  });
}

function nonEmpty(text: string | undefined): string | null {
  return text === undefined || text.trim() === '' ? null : text.trim();
}
