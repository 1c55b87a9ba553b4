import { open } from 'node:fs/promises';

/** Makes what was written to a file durable. */
export async function syncFile(path: string): Promise<void> {
  await synced(path, 'r+');
}

/** Makes renames in a folder durable, where the system can. */
export async function syncEntries(folder: string): Promise<void> {
  if (process.platform !== 'win32') await synced(folder, 'r');
}

async function synced(path: string, flags: string): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
