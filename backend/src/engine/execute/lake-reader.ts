import type { DuckDBConnection } from '@duckdb/node-api';

/** What query execution needs of a lake; the lake's store is one. Times are µs since 1970. */
export interface LakeReader {
  /** The last seq committed. */
  readonly lastSeq: number;
  /** A connection with the search path set. */
  openReader(): Promise<DuckDBConnection>;
  closeReader(connection: DuckDBConnection): void;
  /**
   * The latest event time that retention has taken from any of the tables (`schema.name`): before it they are not whole.
   * Null when nothing was taken.
   */
  retainedSince(connection: DuckDBConnection, tables: readonly string[]): Promise<bigint | null>;
  /**
   * Looks at archive files that a query failed on; true when any was damaged and is now put aside, so that asking again
   * helps.
   * @param likely damage is the likely cause.
   */
  checkArchiveFiles(paths: readonly string[], likely: boolean): Promise<boolean>;
  /** Whether the files of armorlake.archive are there to be read; false also when the node has no archive folder. */
  archiveHere(): Promise<boolean>;
  /** Calls the listener after each commit that stored events, until the returned function is called. */
  onCommit(listener: (commit: { readonly lastSeq: number }) => void): () => void;
}
