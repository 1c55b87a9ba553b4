/** Who asks. */
export interface Caller {
  /** What queries wait in turn by. */
  readonly key: string;
  /** The token's name; null where no token is configured. */
  readonly token: string | null;
}

/** Who asks through another node, by the name that it is known by here; empty: nobody with a name. */
export function callerNamed(who: string): Caller {
  return who === '' ? { key: 'network', token: null } : { key: `token ${who}`, token: who };
}
