import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { credentials } from '@grpc/grpc-js';
import type { ChannelCredentials, ChannelOptions } from '@grpc/grpc-js';
import { ArmorlakeError, messageOf } from '../../core/index.js';
import type { ClientTls, KubeArmorConfig } from '../../config/index.js';
import { parseAddress } from '../../config/index.js';

/** What a channel to this KubeArmor is opened with. */
export interface ChannelSetup {
  readonly credentials: ChannelCredentials;
  readonly options: ChannelOptions;
}

/**
 * Reads the TLS files anew, so that renewed certificates count from the next connection on.
 * @throws ArmorlakeError BAD_CONFIG with the file that can't be read or isn't PEM
 */
export function channelSetup(config: KubeArmorConfig): ChannelSetup {
  const options: ChannelOptions = {
    'grpc-node.flow_control_window': 16 << 20,
    'grpc.max_receive_message_length': 64 << 20,
    'grpc.max_reconnect_backoff_ms': 1000,
    // Go's servers cut clients that ping more often than every 5 minutes; the subscription asks for the health check.
    'grpc.keepalive_time_ms': 330_000,
    'grpc.keepalive_timeout_ms': 10_000,
    'grpc.enable_retries': 0,
    // Without this, channels to the same address would share one connection, and alerts would wait for logs.
    'grpc.use_local_subchannel_pool': 1,
  };
  if (config.tls === null) return { credentials: credentials.createInsecure(), options };
  const expected = config.tls.serverName ?? parseAddress(config.address)?.host ?? config.address;
  return {
    credentials: tlsCredentials(config.name, config.tls, expected),
    // TLS lets a client ask for a name only; the certificate is checked for the IP all the same.
    options: { ...options, 'grpc.ssl_target_name_override': isIP(expected) === 0 ? expected : 'kubearmor' },
  };
}

function tlsCredentials(name: string, tls: ClientTls, expected: string): ChannelCredentials {
  const [ca, key, cert] = [tls.ca, tls.key, tls.cert].map((path) => readPem(name, path));
  try {
    return credentials.createSsl(ca, key, cert, {
      checkServerIdentity: (_host, certificate) => checkServerIdentity(expected, certificate),
    });
  } catch (thrown) {
    throw new ArmorlakeError(
      'BAD_CONFIG',
      `KubeArmor connector ${name}: the certificate ${tls.cert} and the key ${tls.key} can't be used together: ${messageOf(thrown)}`,
      { cause: thrown, hint: 'Check that both are PEM and belong together.' },
    );
  }
}

function readPem(name: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (thrown) {
    throw new ArmorlakeError('BAD_CONFIG', `KubeArmor connector ${name}: can't read ${path}: ${messageOf(thrown)}`, {
      cause: thrown,
    });
  }
}
