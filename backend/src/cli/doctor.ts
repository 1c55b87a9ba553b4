import { Command } from 'commander';
import { formatAddress } from '../config/index.js';
import type { NodeConfig } from '../config/index.js';
import { ArmorlakeError, printable } from '../core/index.js';
import { Client } from './client.js';
import type { CliContext } from './context.js';
import type { Check } from './doctor/check.js';
import { fail, ok } from './doctor/check.js';
import { certificateChecks } from './doctor/certificates.js';
import { kubearmorChecks } from './doctor/kubearmor.js';
import { lakeChecks } from './doctor/lake.js';
import { machineChecks } from './doctor/machine.js';
import { networkChecks } from './doctor/network.js';
import { listenerChecks } from './doctor/listener.js';
import type { NodeCliOptions } from './node-options.js';
import { nodeConfigOf, withNodeOptions } from './node-options.js';
import type { Io } from './io.js';
import { jsonLine } from './text.js';

interface DoctorOptions extends NodeCliOptions {
  readonly json?: boolean;
  readonly token?: string;
}

const help = `
Examples:
  armorlake doctor --config /etc/armorlake.yaml
  armorlake doctor --kubearmor 127.0.0.1:32767 --json
  armorlake doctor --name edge-1 --join hub.example:7471 --config /etc/armorlake.yaml

Takes the flags of \`armorlake node\`. Exits 1 when a check fails. Where the node runs, its lake is asked, too.`;

/** `armorlake doctor`: what is wrong with a node's surroundings, and how to mend it. */
export function doctorCommand(context: CliContext): Command {
  return withNodeOptions(new Command('doctor'))
    .description('check configuration, ports, certificates, KubeArmor, hubs, clock and disk')
    .option('--token <token>', 'token for the running node (better: ARMORLAKE_TOKEN)')
    .option('--json', 'as JSON')
    .addHelpText('after', help)
    .action(async (options: DoctorOptions) => {
      const checks = await examine(context, options);
      const { io } = context;
      await io.out(options.json === true ? jsonLine({ ok: !checks.some(isFailed), checks }) : checksText(checks));
      context.setExitCode(checks.some(isFailed) ? 1 : 0);
    });
}

async function examine({ io, clock }: CliContext, options: DoctorOptions): Promise<readonly Check[]> {
  let config: NodeConfig;
  try {
    config = nodeConfigOf(options, io);
  } catch (thrown) {
    const error = ArmorlakeError.from(thrown);
    return [fail('configuration', error.message, error.hint ?? 'See docs/configure.md.')];
  }
  const client = clientOfNode(config, options, io);
  const listener = await listenerChecks(config, client, io.signal);
  return [
    ok('configuration', `node ${config.name}, profile ${config.profile}, data in ${config.data}`),
    ...machineChecks(config, clock),
    ...listener.checks,
    ...certificateChecks(config, clock),
    ...(await networkChecks(config, clock, listener.running, io.signal)),
    ...(await kubearmorChecks(config, io.signal)),
    ...(listener.running ? await lakeChecks(client, io.signal) : []),
  ];
}

/** The node as reached from this machine. */
function clientOfNode({ http }: NodeConfig, options: DoctorOptions, io: Io): Client {
  const host = http.host === '0.0.0.0' ? '127.0.0.1' : http.host === '::' ? '::1' : http.host;
  const url = `${http.tls === null ? 'http' : 'https'}://${formatAddress({ host, port: http.port })}`;
  return new Client(url, options.token ?? io.environment.ARMORLAKE_TOKEN ?? null);
}

function isFailed(check: Check): boolean {
  return check.status === 'fail';
}

function checksText(checks: readonly Check[]): string {
  const marks = { ok: ' ok ', warn: 'warn', fail: 'FAIL' } as const;
  const lines = checks.map(
    ({ name, status, message, fix }) =>
      `${marks[status]}  ${name}: ${printable(message)}\n${fix === undefined ? '' : `      → ${printable(fix)}\n`}`,
  );
  return lines.join('');
}
