import { ArmorlakeError } from '../../core/index.js';
import type { Caller } from '../backbone.js';
import { PROTOCOL } from '../limits.js';
import type { NodeIdentity, NodeRole } from '../types.js';

/** What a joining node is compared with. */
export interface Admission {
  readonly hub: NodeIdentity;
  /** The lake this name is remembered with; undefined: a new name. */
  readonly knownLake: string | undefined;
}

/** @throws ArmorlakeError BAD_REQUEST, FORBIDDEN or CONFLICT, saying what doesn't fit and what to do */
export function admit(protocol: number, identity: NodeIdentity, caller: Caller, { hub, knownLake }: Admission): void {
  const { name, lakeId } = identity;
  speaks(protocol, name);
  belongs(caller, name, identity.role);
  sameEngine(identity.engineVersion, name, hub);
  if (name === hub.name) {
    throw new ArmorlakeError('CONFLICT', `${name} is this hub's own name.`, {
      node: name,
      hint:
        lakeId === hub.lakeId
          ? 'The node has joined itself: take its own address out of `network.join`.'
          : 'Give the node another name with --name.',
    });
  }
  if (knownLake !== undefined && knownLake !== lakeId) {
    throw new ArmorlakeError('CONFLICT', `Another node with its own lake is known as ${name} already.`, {
      node: name,
      hint: `Give this node another name with --name; if the other one is gone for good, run \`armorlake forget ${name}\` first.`,
    });
  }
}

/** @throws ArmorlakeError FORBIDDEN unless a query node asks; BAD_REQUEST, CONFLICT for versions that don't fit */
export function admitAsker(
  asker: { readonly protocol: number; readonly name: string; readonly role: NodeRole; readonly engineVersion: string },
  caller: Caller,
  hub: NodeIdentity,
): void {
  speaks(asker.protocol, asker.name);
  belongs(caller, asker.name, asker.role);
  mayAsk(caller);
  if (asker.role !== 'query') throw forbidden(asker.name);
  sameEngine(asker.engineVersion, asker.name, hub);
}

/** @throws ArmorlakeError FORBIDDEN when the caller's certificate doesn't allow it to ask the network */
export function mayAsk(caller: Caller): void {
  if (caller.certificate !== null && caller.certificate.role !== 'query') throw forbidden(caller.certificate.name);
}

function forbidden(name: string): ArmorlakeError {
  return new ArmorlakeError('FORBIDDEN', `Node ${name} is an edge node: it may not ask the network.`, {
    node: name,
    hint: `Issue it a certificate of role query (\`armorlake cert issue ${name} --role query\`), or ask a query node.`,
  });
}

function speaks(protocol: number, name: string): void {
  if (protocol === PROTOCOL) return;
  throw new ArmorlakeError(
    'CONFLICT',
    `Node ${name} speaks version ${protocol} of the network's protocol, this hub ${PROTOCOL}.`,
    { node: name, hint: 'Run versions of Armorlake that belong together.' },
  );
}

/** A certificate speaks for one name, and for its role or a lesser one. */
function belongs({ certificate }: Caller, name: string, role: NodeRole): void {
  if (certificate === null) return;
  if (certificate.name !== name) {
    throw new ArmorlakeError('FORBIDDEN', `The certificate is ${certificate.name}'s, but the node is called ${name}.`, {
      node: name,
      hint: `Issue one for it (\`armorlake cert issue ${name}\`), or start it with --name ${certificate.name}.`,
    });
  }
  if (certificate.role !== 'query' && role === 'query') {
    throw new ArmorlakeError('FORBIDDEN', `The certificate of ${name} allows the role edge, not query.`, {
      node: name,
      hint: `Start it with --role edge, or issue a certificate with \`armorlake cert issue ${name} --role query\`.`,
    });
  }
}

function sameEngine(version: string, name: string, hub: NodeIdentity): void {
  const short = (full: string): string => full.replace(/^v/, '').split('.').slice(0, 2).join('.');
  if (short(version) === short(hub.engineVersion)) return;
  throw new ArmorlakeError(
    'CONFLICT',
    `Node ${name} runs DuckDB ${version}, hub ${hub.name} ${hub.engineVersion}: their answers may differ.`,
    { node: name, hint: 'Run versions of Armorlake with the same DuckDB major.minor in a network.' },
  );
}
