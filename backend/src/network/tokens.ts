/** What is asked of a hub: to bring events in, to read every node's, to forget a node. */
export type NetworkRight = 'join' | 'ask' | 'forget';

/** A hub's tokens: they prove what a caller may where no certificate does, or none can. */
export interface NetworkTokens {
  /** False: there are none, and nobody is asked for one. */
  readonly any: boolean;
  /**
   * @param token what the caller sent; null: nothing
   * @throws ArmorlakeError UNAUTHENTICATED or FORBIDDEN, unless there are no tokens at all
   */
  check(token: string | null, right: NetworkRight): void;
}
