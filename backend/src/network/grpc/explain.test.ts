import { describe, expect, it } from 'vitest';
import { explainConnection } from './explain.js';

/** What grpc-js says when a hub ends the connection, by which of the two sides was faster. */
const ends = [
  'Error: Client network socket disconnected before secure TLS connection was established',
  'Error: read ECONNRESET',
  'read ECONNRESET (2026-11-21T11:00:38.940Z)',
  'write EPIPE (2026-11-21T11:00:38.940Z)',
  'Failed to connect (2026-11-21T11:00:38.940Z)',
];

describe('a hub that ends the connection', () => {
  it.each(ends)('has one sentence, also when gRPC says %j', (lastError) => {
    const details = `No connection established. Last error: ${lastError}. Resolution note: `;
    for (const tls of [true, false]) {
      const { code, message } = explainConnection('hub:32770', tls, details);
      expect([code, message]).toEqual(['NOT_READY', 'Hub hub:32770 closed the connection.']);
    }
  });
});
