import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { ArmorlakeError } from '../core/index.js';
import type { IssuedFiles, NodeRole } from '../network/index.js';
import { initCa, inspect, issue, renew } from '../network/index.js';
import type { CliContext } from './context.js';
import { countOption, listOption } from './options.js';
import { jsonLine } from './text.js';

interface CertOptions {
  /** The CA's folder. */
  readonly dir: string;
  readonly days?: number;
  readonly json?: boolean;
}

interface NodeCertOptions extends CertOptions {
  readonly out?: string;
}

interface IssueCliOptions extends NodeCertOptions {
  readonly role: NodeRole;
  readonly host: readonly string[];
  readonly replace?: boolean;
}

const help = `
Examples:
  armorlake cert init                                             the network's CA, in ./armorlake-ca
  armorlake cert issue hub --role query --host hub.example        for a node that others join or that asks others
  armorlake cert issue edge-1 --role edge --out ./edge-1          for a node that only stores and answers
  armorlake cert renew edge-1 --out ./edge-1                      same name, role and hosts, new key
  armorlake cert inspect ./edge-1/edge-1.crt

Each node needs ca.crt, its NAME.crt and its NAME.key, named in network.tls; the CA's key stays where it was made.
Certificates live for 30 days. A running node takes a renewed one within seconds, without a restart.
docs/network.md shows all of it step by step.`;

/** `armorlake cert`: the network's certificates. */
export function certCommand(context: CliContext): Command {
  return new Command('cert')
    .description("make and renew the certificates of a network's nodes")
    .addHelpText('after', help)
    .addCommand(initCommand(context))
    .addCommand(issueCommand(context))
    .addCommand(renewCommand(context))
    .addCommand(inspectCommand(context));
}

function withCertOptions(command: Command, days: string): Command {
  return command
    .option('--dir <folder>', "the CA's folder", 'armorlake-ca')
    .addOption(countOption('--days <days>', `how long it is valid (default ${days})`))
    .option('--json', 'as JSON');
}

function initCommand({ io, clock }: CliContext): Command {
  return withCertOptions(new Command('init'), '3650')
    .description("make the network's CA, once a network")
    .action(async ({ dir, days, json }: CertOptions) => {
      const files = await initCa(resolve(io.cwd, dir), clock.wallMs(), ...(days === undefined ? [] : [days]));
      const { validTo, fingerprint } = inspect(files.cert, clock.wallMs());
      if (json === true) return io.out(jsonLine({ ...files, validTo, fingerprint }));
      return io.out(
        `Made the network's CA, valid until ${day(validTo)}:\n` +
          `  ${files.cert}   every node needs it\n` +
          `  ${files.key}   the network's secret: keep it here, no node needs it\n` +
          `Next: armorlake cert issue NAME --role query --host HOST, and for each other node --role edge\n`,
      );
    });
}

function issueCommand(context: CliContext): Command {
  const { io, clock } = context;
  return withCertOptions(new Command('issue'), '30')
    .description("make a node's certificate and key")
    .argument('<name>', "the node's name, as it is started with (--name)")
    .addOption(
      new Option('--role <role>', 'edge: store and answer; query: also be joined, and ask others')
        .choices(['edge', 'query'])
        .makeOptionMandatory(),
    )
    .addOption(listOption('--host <host>', 'a host name or IP address that others dial it by'))
    .option('--out <folder>', "where its files go (default: the CA's folder)")
    .option('--replace', 'also when it has one already')
    .action(async (name: string, options: IssueCliOptions) => {
      const { folder, out } = foldersOf(options, io.cwd);
      const path = join(out, `${name}.crt`);
      if (options.replace !== true && existsSync(path)) {
        throw new ArmorlakeError('CONFLICT', `${name} has a certificate already: ${path}.`, {
          hint: `Renew it with \`armorlake cert renew ${name}\`, or pass --replace for another role or other hosts.`,
        });
      }
      const files = await issue({
        folder,
        out,
        name,
        role: options.role,
        hosts: options.host,
        nowMs: clock.wallMs(),
        ...(options.days === undefined ? {} : { days: options.days }),
      });
      await report(context, 'Issued', files, options.json === true);
      if (options.role === 'query' && options.host.length === 0) {
        io.err(
          'It names no host (--host): nodes that dial it over TLS can not tell that it is the one they dialled.\n',
        );
      }
    });
}

function renewCommand(context: CliContext): Command {
  const { io, clock } = context;
  return withCertOptions(new Command('renew'), '30')
    .description("make a node's certificate anew: same name, role and hosts, a new key")
    .argument('<name>', "the node's name")
    .option('--out <folder>', "where its files are (default: the CA's folder)")
    .action(async (name: string, options: NodeCertOptions) => {
      const days = options.days === undefined ? {} : { days: options.days };
      const files = await renew({ ...foldersOf(options, io.cwd), name, nowMs: clock.wallMs(), ...days });
      await report(context, 'Renewed', files, options.json === true);
    });
}

function inspectCommand({ io, clock }: CliContext): Command {
  return new Command('inspect')
    .description('what a certificate says')
    .argument('<file>', 'a PEM file')
    .option('--json', 'as JSON')
    .action(async (file: string, { json }: { readonly json?: boolean }) => {
      const facts = inspect(resolve(io.cwd, file), clock.wallMs());
      if (json === true) return io.out(jsonLine(facts));
      const who = facts.isCa
        ? "a network's CA"
        : facts.name === null
          ? 'no certificate of an Armorlake node'
          : `node ${facts.name}, role ${facts.role ?? 'unknown'}`;
      return io.out(
        `${file}: ${who}\n` +
          `  hosts:       ${facts.hosts.length === 0 ? 'none' : facts.hosts.join(', ')}\n` +
          `  valid:       ${facts.validFrom} to ${facts.validTo} (${remaining(facts.daysLeft)})\n` +
          `  issued by:   ${facts.issuer}\n` +
          `  fingerprint: ${facts.fingerprint}\n`,
      );
    });
}

function foldersOf({ dir, out }: NodeCertOptions, cwd: string): { readonly folder: string; readonly out: string } {
  const folder = resolve(cwd, dir);
  return { folder, out: out === undefined ? folder : resolve(cwd, out) };
}

async function report({ io, clock }: CliContext, done: string, files: IssuedFiles, json: boolean): Promise<void> {
  const { name, role, hosts, validTo, daysLeft } = inspect(files.cert, clock.wallMs());
  if (json) return io.out(jsonLine({ ...files, name, role, hosts, validTo }));
  const dialled = hosts.length === 0 ? '' : `, hosts ${hosts.join(', ')}`;
  return io.out(
    `${done} the certificate of ${name ?? ''} (role ${role ?? ''}${dialled}), valid until ${day(validTo)} (${remaining(daysLeft)}):\n` +
      `  ${files.ca}\n  ${files.cert}\n  ${files.key}   its secret, readable by its owner only\n` +
      (done === 'Renewed'
        ? 'Next: copy .crt and .key to the node; it takes them within seconds, without a restart\n'
        : `Next: copy the three to the node and name them in its configuration:\n` +
          `  network:\n    tls: { ca: ca.crt, cert: ${name ?? ''}.crt, key: ${name ?? ''}.key }\n`),
  );
}

function day(time: string): string {
  return time.slice(0, 10);
}

function remaining(daysLeft: number): string {
  if (daysLeft < 0) return `expired ${Math.ceil(-daysLeft)} days ago`;
  return `${Math.round(daysLeft)} ${Math.round(daysLeft) === 1 ? 'day' : 'days'}`;
}
