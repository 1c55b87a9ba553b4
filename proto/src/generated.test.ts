import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const workspace = fileURLToPath(new URL('..', import.meta.url));
const bin = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));
const run = promisify(execFile);

describe('the generated code', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'armorlake-proto-'));
    for (const name of ['contracts', 'buf.yaml', 'buf.gen.yaml']) {
      await cp(join(workspace, name), join(folder, name), { recursive: true });
    }
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('is what the contracts give', async () => {
    const PATH = `${bin}${delimiter}${process.env['PATH'] ?? ''}`;
    await run(join(bin, 'buf'), ['generate'], { cwd: folder, env: { ...process.env, PATH } });
    const generated = join(folder, 'src', 'gen');
    const committed = join(workspace, 'src', 'gen');
    const files = (await readdir(generated, { recursive: true })).filter((file) => file.endsWith('.ts')).toSorted();
    expect(files).toContain(join('feeder', 'kubearmor_pb.ts'));
    const kept = (await readdir(committed, { recursive: true })).filter((file) => file.endsWith('.ts')).toSorted();
    expect(kept).toEqual(files);
    for (const file of files) {
      expect(await readFile(join(committed, file), 'utf8')).toBe(await readFile(join(generated, file), 'utf8'));
    }
  });
});
