import { describe, expect, it } from 'vitest';
import type { TailRequest } from './resources.js';
import { tailKey } from './tail-key.js';

const request: TailRequest = {
  table: 'kubearmor.alerts',
  filters: [{ column: 'namespace', operator: 'is', values: ['shop'] }],
  adHocFilters: [],
};

describe('the key of a tail', () => {
  it('is 32 hex digits and the same for the same request, however it was put together', () => {
    expect(tailKey(request)).toMatch(/^[0-9a-f]{32}$/u);
    const again: TailRequest = {
      adHocFilters: [],
      filters: [{ values: ['shop'], operator: 'is', column: 'namespace' }],
      table: 'kubearmor.alerts',
    };
    expect(tailKey(again)).toBe(tailKey(request));
  });

  it('is another for each other table, filter, key, operator or value, also where texts only shift', () => {
    const others: readonly TailRequest[] = [
      { ...request, table: 'kubearmor.logs' },
      { ...request, filters: [] },
      { ...request, filters: [{ column: 'namespace', operator: 'is not', values: ['shop'] }] },
      { ...request, filters: [{ column: 'namespace', operator: 'is', values: ['sho', 'p'] }] },
      { ...request, filters: [{ column: 'labels', key: 'namespace', operator: 'is', values: ['shop'] }] },
      { ...request, filters: [], adHocFilters: [{ key: 'namespace', operator: '=', values: ['shop'] }] },
    ];
    expect(new Set([request, ...others].map(tailKey)).size).toBe(others.length + 1);
  });
});
