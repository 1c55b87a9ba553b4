import type { Piece } from './piece.js';

const header = /^== (?:Alert|Log)(?: \/ (.+?))? ==$/;
const known =
  'ClusterName HostName NamespaceName PodName Labels ContainerName ContainerID ContainerImage Type PolicyName Severity Message Source Resource Operation Action Data EventData Enforcer Result ATags Cwd DroppingAlertsInterval ExecEvent HashAlgo HostPID HostPPID KubeArmorVersion MaxAlertsPerSec NodeID Owner PID PPID ParentHash ParentProcessName ProcessHash ProcessName ResourceHash TTY Tags Timestamp UID UpdatedTime UserName';
const keys: ReadonlySet<string> = new Set(known.split(' '));
/** Lines of one block: an event has fewer than 50 fields. */
const MOST_LINES = 1000;

/** Whether a line begins a block of `karmor logs` without --json. */
export function isKarmorHeader(text: Buffer): boolean {
  return text.length < 200 && text[0] === 0x3d && header.test(text.toString('utf8'));
}

/** One event as karmor prints it for people, `== Alert / time ==` and lines `Key: value`. */
export class KarmorBlock {
  readonly #line: number;
  readonly #time: string;
  readonly #lines: string[] = [];
  #more = 0;

  constructor(head: Buffer, line: number) {
    this.#line = line;
    this.#time = header.exec(head.toString('utf8'))?.[1] ?? '';
  }

  add(line: Buffer): void {
    if (this.#lines.length < MOST_LINES) this.#lines.push(line.toString('utf8'));
    else this.#more++;
  }

  /** The event as JSON under KubeArmor's names. */
  piece(): Piece {
    const event = new Map<string, string>();
    let last = '';
    const twice: string[] = [];
    for (const line of this.#lines) {
      const colon = line.indexOf(': ');
      const key = colon < 0 ? '' : line.slice(0, colon);
      if (!keys.has(key)) {
        // A value of several lines.
        if (last !== '') event.set(last, `${event.get(last) ?? ''}\n${line}`);
      } else if (event.has(key)) twice.push(key);
      else event.set((last = key), line.slice(colon + 2));
    }
    const bytes = Buffer.from(JSON.stringify(Object.fromEntries(this.#fields(event))));
    const place = { line: this.#line, bytes };
    if (twice.length > 0 || this.#more > 0) {
      // A line break in a command line can forge a field; which is the true one can't be told.
      const what = twice.length > 0 ? `${twice[0] ?? ''} stands twice` : `it has more than ${MOST_LINES} lines`;
      return { kind: 'broken', ...place, error: `Not readable: in karmor's text ${what}. Record it with --json.` };
    }
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return { kind: 'json', ...place, value, form: "karmor's text" };
  }

  *#fields(event: ReadonlyMap<string, string>): Generator<readonly [string, unknown]> {
    if (this.#time !== '') yield ['UpdatedTime', this.#time];
    for (const [key, value] of event) {
      // Go prints lists without a border between their parts: Tags has the same, apart by commas.
      if (key === 'ATags' && event.has('Tags')) continue;
      if (key === 'UpdatedTime' && this.#time !== '') continue;
      yield [key, (key === 'Owner' || key === 'ExecEvent' ? mapOf(value) : null) ?? value];
    }
  }
}

/** Go's `map[Name:a Namespace:b]` with keys that are known; null when it isn't one. EventData stays text. */
function mapOf(text: string): Readonly<Record<string, string>> | null {
  const inside = /^map\[(.*)\]$/s.exec(text)?.[1];
  if (inside === undefined) return null;
  const parts = inside.split(/(?:^| )(Name|Namespace|Ref|ExecID|ExecutableName):/);
  const found: Record<string, string> = {};
  for (let at = 1; at + 1 < parts.length; at += 2) found[parts[at] ?? ''] = parts[at + 1] ?? '';
  return found;
}
