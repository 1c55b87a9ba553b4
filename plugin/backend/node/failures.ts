import { PluginError, messageOf } from '../errors.js';

/** What OpenSSL and BoringSSL (bun) call what they refuse, and what it means. */
const TLS_FAILURES: readonly (readonly [RegExp, (host: string, detail: string) => [string, string]])[] = [
  [
    /^CERT_HAS_EXPIRED$/,
    (host) => [
      `The certificate of ${host} has expired.`,
      'Renew it on the node; the clock of this machine counts too.',
    ],
  ],
  [
    /^CERT_NOT_YET_VALID$/,
    (host) => [`The certificate of ${host} is not valid yet.`, "Compare the node's clock with this machine's."],
  ],
  [
    /ALTNAME/,
    (host, detail) => [
      `The certificate of ${host} is for another name (${detail}).`,
      'Use a name that the certificate holds in the URL, or set it as server name.',
    ],
  ],
  [
    /SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|CERT_UNTRUSTED|CERT_SIGNATURE_FAILURE|INVALID_CA|CERT_REJECTED/,
    (host, detail) => [
      `The certificate of ${host} is not signed by a CA that is trusted here (${detail}).`,
      "Paste the CA's certificate (PEM) into the settings of the data source.",
    ],
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST|EPROTO.*wrong version number/i,
    (host) => [`${host} does not speak TLS.`, 'Write its URL with http://, or switch on TLS on the node.'],
  ],
  [
    /CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE|BAD_CERTIFICATE|UNKNOWN_CA|ALERT/i,
    (host, detail) => [
      `${host} refused the TLS handshake (${detail}).`,
      'It may ask for a client certificate: set one that its CA has signed.',
    ],
  ],
];

/** A connection that broke or never came about, as a sentence. @param url of the node */
export function connectionError(url: string, thrown: unknown): PluginError {
  if (thrown instanceof PluginError) return thrown;
  const { host, protocol } = new URL(url);
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  const detail = messageOf(thrown).split('\n')[0] ?? '';
  if (protocol === 'https:') {
    for (const [pattern, say] of TLS_FAILURES) {
      if (!pattern.test(code) && !(isTlsCode(code) && pattern.test(`${code} ${detail}`))) continue;
      const [message, hint] = say(host, shortDetail(code, detail));
      return new PluginError('TLS', message, { hint, cause: thrown });
    }
    if (isTlsCode(code)) {
      return new PluginError('TLS', `No TLS connection to ${host} comes about (${shortDetail(code, detail)}).`, {
        hint: 'Check the TLS settings of the data source and of the node.',
        cause: thrown,
      });
    }
  }
  return networkError(host, code, detail, thrown);
}

/** It did not come about within the time. */
export function connectTimeout(url: string, ms: number): PluginError {
  return new PluginError('NETWORK', `${new URL(url).host} could not be reached within ${ms} ms.`, {
    hint: "Is the machine up, and is the port open from Grafana's machine?",
  });
}

/** The cause of an error: the node is connected and says nothing, not even that its time is over. */
export class Silence extends Error {}

/** It is connected, but says nothing. */
export function answerTimeout(url: string, ms: number): PluginError {
  return new PluginError('DEADLINE', `${new URL(url).host} did not answer within ${Math.round(ms)} ms.`, {
    hint: 'Ask for less (a shorter time range, fewer nodes), or give it longer in the settings of the data source.',
    cause: new Silence(),
  });
}

function networkError(host: string, code: string, detail: string, cause: unknown): PluginError {
  const say = (message: string, hint: string): PluginError => new PluginError('NETWORK', message, { hint, cause });
  switch (code) {
    case 'ECONNREFUSED':
      return say(`Nothing listens at ${host}.`, 'Is the node running, and is the port right?');
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return say(`The host name of ${host} is not known here.`, 'Check the URL in the settings of the data source.');
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return say(`There is no way to ${host} (${code}).`, 'Check the network and firewalls in between.');
    case 'ECONNRESET':
    case 'EPIPE':
      return say(
        `${host} closed the connection without an answer.`,
        'It may want https:// instead of http://, or have just been stopped.',
      );
    default:
      return code.startsWith('HPE_')
        ? new PluginError('NOT_ARMORLAKE', `What listens at ${host} does not speak HTTP.`, {
            hint: 'Check the port of the URL.',
            cause,
          })
        : say(`The connection to ${host} failed: ${detail}.`, 'Check the URL, and whether the node is running.');
  }
}

function isTlsCode(code: string): boolean {
  return /^(ERR_SSL|ERR_TLS|EPROTO|ERR_OSSL)|CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/.test(code);
}

function shortDetail(code: string, detail: string): string {
  return code === '' || code === 'EPROTO' ? detail : code;
}
