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
  /** Looks at a file that could not be read; true when it was damaged and is now put aside. */
  checkArchiveFile(path: string): Promise<boolean>;
  /** Calls the listener after each commit that stored events, until the returned function is called. */
  onCommit(listener: (commit: { readonly lastSeq: number }) => void): () => void;
}
