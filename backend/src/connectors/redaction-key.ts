import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ArmorlakeError, hasErrno } from '../core/index.js';

const KEY_BYTES = 32;

/**
 * The node's redaction key, 32 random bytes in `redaction.key` of its data folder (mode 0600), made on the first call.
 * @throws ArmorlakeError BAD_CONFIG when the file isn't such a key
 */
export async function loadRedactionKey(dataFolder: string): Promise<Uint8Array> {
  const path = join(dataFolder, 'redaction.key');
  const made = await createKey(path);
  const key = made ?? (await readFile(path));
  if (key.length === KEY_BYTES) return new Uint8Array(key);
  throw new ArmorlakeError('BAD_CONFIG', `${path} holds ${key.length} bytes instead of the ${KEY_BYTES} of a key.`, {
    hint: 'Remove it; a new one is made. Hashes of secrets then differ from those stored before.',
  });
}

async function createKey(path: string): Promise<Uint8Array | null> {
  let file;
  try {
    file = await open(path, 'wx', 0o600);
  } catch (thrown) {
    if (hasErrno(thrown, 'EEXIST')) return null;
    throw thrown;
  }
  try {
    const key = randomBytes(KEY_BYTES);
    await file.writeFile(key);
    await file.sync();
    return key;
  } finally {
    await file.close();
  }
}
