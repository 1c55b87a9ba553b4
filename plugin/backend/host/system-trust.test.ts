import { expect, test } from 'vitest';
import { trustSystem } from './system-trust.js';

test('the system’s CAs are trusted besides the runtime’s own, each once', () => {
  const trusted: string[] = [];
  trustSystem({
    rootCertificates: [],
    getCACertificates: (kind) => (kind === 'system' ? ['shared', 'company'] : ['mozilla', 'shared']),
    setDefaultCACertificates: (certificates) => trusted.push(...certificates),
  });
  expect(trusted).toEqual(['mozilla', 'shared', 'company']);
});

test('a runtime that can’t is left as it is', () => {
  expect(() => trustSystem({ rootCertificates: [] })).not.toThrow();
});
