/** Who asks. */
export interface Caller {
  /** What queries wait in turn by. */
  readonly key: string;
  /** The token's name; null where no token is configured. */
  readonly token: string | null;
}

/**
 * Who asks through another node, by the name that it is known by here: `ann at q1`, or `at q1` for anybody there where
 * that node has no tokens. All of these wait in turn as one, but what one of them does is not held against the others.
 */
export function callerNamed(who: string): Caller {
  const token = who === '' || who.startsWith('at ') ? null : who;
  return { key: `token ${who}`, token };
}
