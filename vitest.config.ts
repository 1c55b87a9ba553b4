import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      '{proto,backend,provisioning}/src/**/*.test.ts',
      'plugin/{backend,shared,src}/**/*.test.{ts,tsx}',
      'test/**/*.test.ts',
    ],
    // Real processes and sockets on small machines: generous limits, no retries.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    // Machines are slow at times; what is polled for comes at last or never.
    expect: { poll: { timeout: 20_000 } },
  },
});
