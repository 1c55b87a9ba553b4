import type { FeederCaches } from './caches.js';
import type { FeederExecEvent, FeederOwner } from './events.js';
import type { WireReader } from './wire-reader.js';
import { knownFields } from './wire-reader.js';

const OWNER = knownFields(3, []);
const EXEC_EVENT = knownFields(2, []);
const PAIR = knownFields(2, []);
/** Up to here a key's earlier place is found by looking at all of them. */
const FEW_PAIRS = 16;

/** A map as key, value, key, value, …, in the order in which the keys first came; the last value of a key wins. */
export class Pairs {
  readonly list: string[] = [];
  #places: Map<string, number> | undefined;

  set(key: string, value: string): void {
    const place = this.#placeOf(key);
    if (place !== undefined) {
      this.list[place + 1] = value;
      return;
    }
    this.#places?.set(key, this.list.length);
    this.list.push(key, value);
  }

  #placeOf(key: string): number | undefined {
    const { list } = this;
    if (this.#places === undefined) {
      for (let place = 0; place < list.length; place += 2) if (list[place] === key) return place;
      if (list.length < 2 * FEW_PAIRS) return undefined;
      this.#places = new Map();
      for (let place = 0; place < list.length; place += 2) this.#places.set(list[place] ?? '', place);
    }
    return this.#places.get(key);
  }
}

/** Reads a `feeder.Podowner` over what an earlier one of the same message said. */
export function readOwner(reader: WireReader, caches: FeederCaches, earlier: FeederOwner | undefined): FeederOwner {
  const end = reader.lengthEnd();
  let ref = earlier?.ref ?? '';
  let name = earlier?.name ?? '';
  let namespace = earlier?.namespace ?? '';
  for (let field = reader.next(OWNER, end); field !== 0; field = reader.next(OWNER, end)) {
    if (field === 1) ref = reader.text('owner.ref', caches.ownerRef);
    else if (field === 2) name = reader.text('owner.name', caches.ownerName);
    else namespace = reader.text('owner.namespace', caches.ownerNamespace);
  }
  return { ref, name, namespace };
}

/** Reads a `feeder.ExecEvent` over what an earlier one of the same message said. */
export function readExecEvent(
  reader: WireReader,
  caches: FeederCaches,
  earlier: FeederExecEvent | undefined,
): FeederExecEvent {
  const end = reader.lengthEnd();
  let execId = earlier?.execId ?? '';
  let executableName = earlier?.executableName ?? '';
  for (let field = reader.next(EXEC_EVENT, end); field !== 0; field = reader.next(EXEC_EVENT, end)) {
    if (field === 1) execId = reader.text('execEvent.execId', caches.execId);
    else executableName = reader.text('execEvent.executableName', caches.executableName);
  }
  return { execId, executableName };
}

/** Reads one entry of EventData. */
export function readPair(reader: WireReader, caches: FeederCaches, pairs: Pairs): void {
  const end = reader.lengthEnd();
  let key = '';
  let value = '';
  for (let field = reader.next(PAIR, end); field !== 0; field = reader.next(PAIR, end)) {
    if (field === 1) key = reader.text('eventData', caches.eventDataKey);
    else value = reader.text('eventData', caches.eventDataValue);
  }
  pairs.set(key, value);
}
