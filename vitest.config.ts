import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      '{proto,backend,provisioning}/src/**/*.test.ts',
      'plugin/{backend,shared,src}/**/*.test.{ts,tsx}',
      'test/**/*.test.ts',
    ],
    // Real processes and sockets on small machines: generous limits, as what is waited for comes at last or never; no retries.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    maxWorkers: 2,
    expect: { poll: { timeout: 60_000 } },
  },
});
