import type { KubeArmorConfig } from '../../config/index.js';
import type { EventKind } from './event-sink.js';

/** What an end of a stream means to the operator. */
export interface Explained {
  /** Trying again won't help before somebody changes something. */
  readonly misconfigured: boolean;
  readonly sentence: string;
}

/** Status code of an attempt that failed before a call was made (a file that can't be read). */
export const NOT_ATTEMPTED = -1;
/** The text of an end that we made ourselves because nothing was heard. */
export const SILENT = 'nothing was answered';

const UNIMPLEMENTED = 12;
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

/**
 * The end of a stream as a sentence that says what happened, where, and what to do.
 * @param code the gRPC status code
 * @param refused it ended with OK at once, without an event
 */
export function explainEnd(
  config: KubeArmorConfig,
  kind: EventKind,
  code: number,
  details: string,
  refused: boolean,
): Explained {
  const wrong = (sentence: string): Explained => ({ misconfigured: true, sentence });
  const waits = (sentence: string): Explained => ({ misconfigured: false, sentence });
  const at = config.address;
  if (code === NOT_ATTEMPTED) return wrong(details);
  if (refused) {
    return wrong(
      `KubeArmor at ${at} ended the ${kind} stream at once without an error, as it does with a filter it doesn't know. Check the filter of ${kind}, and that ${at} is a KubeArmor feeder or relay.`,
    );
  }
  if (code === UNIMPLEMENTED) {
    return wrong(`What answers at ${at} is not KubeArmor: it doesn't know the ${kind} stream. Check the address.`);
  }
  if (code === PERMISSION_DENIED || code === UNAUTHENTICATED) {
    return wrong(`KubeArmor at ${at} refused the ${kind} stream (${oneLine(details)}). Check the client certificate.`);
  }
  const tls = explainConnection(config, details);
  if (tls !== null) return tls;
  if (code === 0) return waits(`KubeArmor at ${at} ended the ${kind} stream; subscribing again.`);
  return waits(`The ${kind} stream from KubeArmor at ${at} broke (${code}: ${oneLine(details)}); subscribing again.`);
}

/** Alerts of a server that refuses the client's certificate. */
const REFUSED = /SSL alert number (40|42|43|44|45|46|48|49|116)|alert (certificate|unknown ca|bad certificate)/;
/**
 * A connection that ended before the server's first HTTP/2 frame, in or after the handshake: with TLS 1.3 a server looks at
 * the client's certificate when the client takes the handshake for done, and its reset can outrun its alert, or it sends
 * none. So one cause is heard of in each of these ways, by turns.
 */
const CLOSED =
  /Last error: (Error: )?(Failed to connect|(read|write) (ECONNRESET|ECONNABORTED|EPIPE)|socket hang up|Connection closed before|Client network socket disconnected)/;

/** What grpc-js and OpenSSL say of a connection that failed, by their texts: there are no codes. */
function explainConnection(config: KubeArmorConfig, details: string): Explained | null {
  const at = config.address;
  const wrong = (sentence: string): Explained => ({ misconfigured: true, sentence });
  if (details.includes('ERR_TLS_CERT_ALTNAME_INVALID')) {
    return wrong(
      `The certificate of KubeArmor at ${at} is for another name (${altNames(details)}). KubeArmor's certificate names only its node's IP: set tls.serverName to a name it has.`,
    );
  }
  if (/certificate has expired/.test(details)) {
    return wrong(`The certificate of KubeArmor at ${at} has expired. Renew it there, or check this machine's clock.`);
  }
  if (/certificate is not yet valid/.test(details)) {
    return wrong(`The certificate of KubeArmor at ${at} is not valid yet. Check the clocks of both machines.`);
  }
  if (/self-signed certificate in certificate chain|unable to get (local )?issuer|unable to verify/.test(details)) {
    return wrong(
      `The certificate of KubeArmor at ${at} was not issued by the CA in ${config.tls?.ca ?? 'tls.ca'}. Take the ca.crt of that KubeArmor.`,
    );
  }
  if (/self-signed certificate/.test(details)) {
    return wrong(
      `KubeArmor at ${at} shows a certificate that names itself as its issuer ("self-signed certificate"). Issue it from a CA whose subject differs from the certificate's, and set tls.ca to that CA.`,
    );
  }
  if (/wrong version number|packet length too long|unsupported protocol/.test(details)) {
    return wrong(
      `What answers at ${at} doesn't speak TLS. Remove tls from the connector, or turn TLS on in KubeArmor.`,
    );
  }
  if (REFUSED.test(details) || CLOSED.test(details)) {
    return config.tls === null
      ? wrong(
          `What listens at ${at} closes the connection before it answers, as a KubeArmor with TLS does. Set tls.ca, tls.cert and tls.key.`,
        )
      : wrong(
          `KubeArmor at ${at} ended the connection as TLS was set up, as it does with a client certificate it doesn't trust. Check that ${config.tls.cert} is issued by its CA and has not expired.`,
        );
  }
  if (/Protocol error|Parse Error|ERR_HTTP2_ERROR/.test(details)) {
    return wrong(`What answers at ${at} is not KubeArmor: it doesn't speak gRPC. Check the address.`);
  }
  const waits = (sentence: string): Explained => ({ misconfigured: false, sentence });
  if (details.includes('ECONNREFUSED')) {
    return waits(`Nobody listens at ${at}. Check that KubeArmor runs there and that its port (32767) is reachable.`);
  }
  if (details.includes('Name resolution failed')) {
    return waits(`The name in ${at} can't be resolved. Check the address and this machine's DNS.`);
  }
  if (/EHOSTUNREACH|ENETUNREACH|ETIMEDOUT/.test(details)) {
    return waits(`${at} can't be reached. Check the network and firewalls between this machine and KubeArmor.`);
  }
  if (details === SILENT) {
    return waits(`${at} accepts connections but doesn't answer. Check that KubeArmor runs there and isn't stuck.`);
  }
  return null;
}

/** Node's own words: "Host: x. is not cert's CN: y", "IP: x is not in the cert's list: y". */
function altNames(details: string): string {
  const match = /altnames: ([^\n]{1,200}?)(?:\. Resolution note|$)/.exec(details);
  return match?.[1] ?? 'see its subjectAltName';
}

/** Without the times that grpc-js adds: the same fault reads the same the next time. */
function oneLine(text: string): string {
  const timeless = text.replaceAll(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/g, '');
  return timeless.replaceAll(/\s+/g, ' ').slice(0, 300);
}
