import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Playwright with the arguments given; `--update-pictures`, which it doesn't know, lets the run renew the docs' pictures. */
const flag = '--update-pictures';
const given = process.argv.slice(2);
const config = fileURLToPath(new URL('playwright.config.ts', import.meta.url));
const { status } = spawnSync('playwright', ['test', '--config', config, ...given.filter((each) => each !== flag)], {
  stdio: 'inherit',
  env: { ...process.env, ...(given.includes(flag) ? { ARMORLAKE_UPDATE_PICTURES: '1' } : {}) },
});
process.exitCode = status ?? 1;
