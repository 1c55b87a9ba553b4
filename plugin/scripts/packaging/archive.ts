import { readFile, readdir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { crc32, deflateRaw } from 'node:zlib';

/** A file that goes into a zip. */
export interface Entry {
  /** Within the top folder, with slashes. */
  readonly path: string;
  readonly file: string;
}

const deflate = promisify(deflateRaw);
/** MS-DOS date of 1980-01-01, the first there is. */
const DATE = 0x21;
/** Deflate, names in UTF-8, attributes of Unix. */
const [DEFLATE, UTF8, NEEDED, MADE_BY] = [8, 0x800, 20, 0x314];

/** All files below a folder. */
export async function filesOf(folder: string): Promise<Entry[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .map((file) => ({ path: relative(folder, file).replaceAll('\\', '/'), file }));
}

/**
 * A zip (PKWARE's APPNOTE, without zip64) that depends on nothing but the files: one time, modes 644 or 755, sorted.
 * @param top its only folder
 */
export async function zip(top: string, entries: readonly Entry[]): Promise<Buffer> {
  const [files, directory]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const { path, file } of [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const content = await readFile(file);
    const packed = await deflate(content, { level: 9 });
    const mode = ((await stat(file)).mode & 0o100) === 0 ? 0o100644 : 0o100755;
    const name = Buffer.from(`${top}/${path}`);
    // What the head of the file and the line of the directory have in common.
    const common = Buffer.alloc(26);
    [NEEDED, UTF8, DEFLATE, 0, DATE].forEach((value, index) => common.writeUInt16LE(value, index * 2));
    [crc32(content), packed.length, content.length].forEach((value, index) =>
      common.writeUInt32LE(value, 10 + index * 4),
    );
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, name, packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((mode << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02'), Buffer.from([MADE_BY & 0xff, MADE_BY >> 8]), common, rest, name);
    files.push(local);
    offset += local.length;
  }
  const lines = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(lines.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...files, lines, end]);
}
