import { feeder, GrpcClient } from '@armorlake/proto';
import type { KubeArmorConfig } from '../../config/index.js';
import { messageOf } from '../../core/index.js';
import { channelSetup } from './credentials.js';
import { explainEnd, NOT_ATTEMPTED } from './explain.js';

/** Asks a KubeArmor for its health check; null when it answers, otherwise what is wrong and what to do. */
export async function probeKubeArmor(
  config: KubeArmorConfig,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<string | null> {
  const [kind = 'alerts'] = config.streams;
  const explain = (code: number, details: string): string => explainEnd(config, kind, code, details, false).sentence;
  let client: GrpcClient;
  try {
    const setup = channelSetup(config);
    client = new GrpcClient(config.address, setup.credentials, setup.options);
  } catch (thrown) {
    return explain(NOT_ATTEMPTED, messageOf(thrown));
  }
  try {
    await client.unary(feeder.LogService.method.healthCheck, { nonce: 1 }, { signal, timeoutMs });
    return null;
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? Number(thrown.code) : NOT_ATTEMPTED;
    const details = thrown instanceof Error && 'details' in thrown ? String(thrown.details) : messageOf(thrown);
    return explain(code, details);
  } finally {
    client.close();
  }
}
