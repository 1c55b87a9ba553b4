import type { Client } from './client.js';

/** What the ledger says of one import. */
export interface ImportAccount {
  /** Its connector: rows carry it, and the ledger counts by it in the batch's own transaction. */
  readonly connector: string;
  readonly received: number;
  readonly stored: number;
  readonly rejected: number;
  readonly dropped: number;
}

/** One import of a file, as its connector tells: `import:HASH:RECORDS:BASE:RUN`. */
export interface FileImport {
  /** The first half of the SHA-256 of all records of the file as it was then, a line each. */
  readonly hash: string;
  readonly records: number;
  /** Records at its beginning that an earlier import had brought in. */
  readonly base: number;
  readonly run: number;
}

const named = /^import:([0-9a-f]{32}):(\d{1,15}):(\d{1,15}):(\d{1,9})$/;

export function connectorOf({ hash, records, base, run }: FileImport): string {
  return `import:${hash}:${records}:${base}:${run}`;
}

/** An import of a file with its account; `committed` counts from the file's beginning. */
export interface EarlierImport extends FileImport {
  readonly account: ImportAccount;
  readonly committed: number;
}

/** Every import of a file that the ledger knows. */
export async function earlierImports(client: Client, signal: AbortSignal): Promise<readonly EarlierImport[]> {
  const accounts = await accountsOf(client, "connector LIKE 'import:%:%:%:%'", [], signal);
  return accounts.flatMap((account) => {
    const parts = named.exec(account.connector);
    if (parts === null) return [];
    const [, hash = '', ...counts] = parts;
    const [records = 0, base = 0, run = 0] = counts.map(Number);
    return [{ hash, records, base, run, account, committed: base + account.received }];
  });
}

/** What the ledger says of one connector. */
export async function accountOf(client: Client, connector: string, signal: AbortSignal): Promise<ImportAccount> {
  const [account] = await accountsOf(client, 'connector = ?', [connector], signal);
  return account ?? { connector, received: 0, stored: 0, rejected: 0, dropped: 0 };
}

async function accountsOf(
  client: Client,
  condition: string,
  params: readonly string[],
  signal: AbortSignal,
): Promise<readonly ImportAccount[]> {
  // Answered once everything that an interrupted import left on its way is committed: then the ledger is exact.
  await postLines(client, 'import:ledger', new Uint8Array(), signal);
  const { rows } = await client.query(
    'SELECT connector, sum(received)::BIGINT, sum(stored)::BIGINT, sum(dead_lettered)::BIGINT, sum(dropped)::BIGINT ' +
      `FROM armorlake.ledger WHERE ${condition} GROUP BY connector`,
    { params, limits: { rows: 1_000_000 }, signal },
  );
  return rows.map((row) => ({
    connector: String(row[0]),
    received: Number(row[1]),
    stored: Number(row[2]),
    rejected: Number(row[3]),
    dropped: Number(row[4]),
  }));
}

/** Posts records, a line each; answered after the commit of all of them. */
export async function postLines(
  client: Client,
  connector: string,
  body: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Promise<void> {
  const path = `/intake/kubearmor?lines=true&connector=${encodeURIComponent(connector)}`;
  await client.request(path, { method: 'POST', body, contentType: 'application/x-ndjson', signal });
}
