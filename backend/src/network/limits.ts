/** Version of the protocol between nodes; a hub refuses what it doesn't speak. */
export const PROTOCOL = 1;

/** Bytes of one chunk of an answer. */
export const CHUNK_BYTES = 512 * 1024;
/** Of a fragment, every chunk but its last has so many bytes at least: an answer in single bytes is none. */
export const LEAST_CHUNK_BYTES = 64 * 1024;
/** One message of any stream; a chunk, and what the limits below allow, is smaller. */
export const MESSAGE_BYTES = 8 * 1024 * 1024;
/** SQL of one request. */
export const REQUEST_BYTES = 6 * 1024 * 1024;
/** Chunks a node may have under way to its asker. */
export const MOST_CREDITS = 4;
/** Bytes that all nodes of one scatter may have under way together, at one chunk each at least. */
export const WINDOW_BYTES = 32 * 1024 * 1024;

/** A hub pings each member, and shows its watchers that it lives, as often. */
export const PING_MS = 250;
/** A member's engine that hasn't answered for so long can't answer a query either. */
export const ENGINE_SILENCE_MS = 5_000;
/** How long a node waits for the first word of the other side of a stream. */
export const GREETING_MS = 5_000;

/** What a hub takes from a member; more is refused, value sets apart, which become unknown. */
export const METADATA_LIMITS = {
  text: 256,
  version: 64,
  labels: 64,
  tables: 200,
  columns: 5_000,
  /** Characters of all columns' names and types. */
  columnText: 500_000,
  values: 1_000,
  connectors: 500,
  gaps: 20,
} as const;

/** Messages on a member's control stream in one second, metadata counted five times; a member that works sends a few. */
export const CONTROL_RATE = 500;
/** Queries, and live tails beside them, that a hub has a member work on at once; one more is answered BUSY. */
export const MOST_REQUESTS = 64;
/** Of these so many may be relayed for one other query node. */
export const MOST_RELAYED = 32;
