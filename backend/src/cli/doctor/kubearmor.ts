import type { NodeConfig } from '../../config/index.js';
import { probeKubeArmor } from '../../connectors/index.js';
import type { Check } from './check.js';
import { fail, ok, warn } from './check.js';

const PROBE_MS = 5000;

/** Whether each configured KubeArmor answers, with its TLS and name. */
export async function kubearmorChecks({ kubearmor }: NodeConfig, signal: AbortSignal): Promise<readonly Check[]> {
  if (kubearmor.length === 0) {
    return [
      warn(
        'kubearmor',
        'none is configured',
        'Name one with --kubearmor HOST:PORT, or bring events in with `armorlake import`.',
      ),
    ];
  }
  return Promise.all(
    kubearmor.map(async (config) => {
      const problem = await probeKubeArmor(config, { signal, timeoutMs: PROBE_MS });
      return problem === null
        ? ok(config.name, `KubeArmor answers at ${config.address}`)
        : fail(
            config.name,
            problem,
            'docs/troubleshooting.md, "KubeArmor and the node don\'t find each other", has the known cases.',
          );
    }),
  );
}
