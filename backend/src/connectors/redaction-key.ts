import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { ArmorlakeError, hasErrno, messageOf } from '../core/index.js';
import { replaceFile, unusedPath } from '../lake/index.js';

const KEY_BYTES = 32;

/**
 * The node's redaction key, 32 random bytes in `redaction.key` of its data folder (mode 0600), made on the first call. One
 * that is damaged is put aside: recording goes on, and hashes of secrets are others from then on.
 * @param warn told when a key was lost
 * @throws ArmorlakeError BAD_CONFIG when the file can't be read
 */
export function loadRedactionKey(dataFolder: string, warn: (sentence: string) => void): Uint8Array {
  const path = join(dataFolder, 'redaction.key');
  const key = readKey(path);
  if (key?.length === KEY_BYTES) return key;
  if (key !== null) {
    const aside = unusedPath(`${path}.damaged`);
    renameSync(path, aside);
    warn(`${aside} was put aside: it holds ${key.length} bytes instead of the ${KEY_BYTES} of a key. ${OTHERS}`);
  } else if (existsSync(join(dataFolder, 'lake.json'))) {
    warn(`There is no ${path}, and a new one was made. ${OTHERS}`);
  }
  const made = randomBytes(KEY_BYTES);
  replaceFile(path, made);
  return new Uint8Array(made);
}

const OTHERS = 'Hashes of secrets differ from those stored before.';

function readKey(path: string): Uint8Array | null {
  try {
    return new Uint8Array(readFileSync(path));
  } catch (thrown) {
    if (hasErrno(thrown, 'ENOENT')) return null;
    throw new ArmorlakeError('BAD_CONFIG', `${path} can't be read: ${messageOf(thrown)}`, { cause: thrown });
  }
}
