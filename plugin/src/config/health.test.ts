import { describe, expect, it } from 'vitest';
import type { NodeInfo } from '../../shared/index.js';
import { healthDetails, troubledFirst } from './health.js';

describe("a health check's details", () => {
  it('are read from an answer, part by part', () => {
    const answer = {
      status: 'ERROR',
      details: {
        message: 'x',
        urls: [
          { url: 'http://a', failed: 'tls', message: 'expired', node: null, version: null, ms: 3 },
          { url: 'http://b', failed: null, message: 'fine', node: 'q', version: '0.1.0', ms: 12.5 },
          { url: 'http://c', failed: 'a step of a later version', message: 5 },
          'no object',
        ],
        nodes: [
          { name: 'edge-1', state: 'failed', labels: { site: 'north', odd: 1 }, reason: 'silent', rows: 7 },
          { name: 5 },
        ],
      },
    };
    expect(healthDetails(answer)).toEqual({
      message: 'x',
      urls: [
        { url: 'http://a', failed: 'tls', message: 'expired', node: null, version: null, ms: 3 },
        { url: 'http://b', failed: null, message: 'fine', node: 'q', version: '0.1.0', ms: 12.5 },
        { url: 'http://c', failed: null, message: '', node: null, version: null, ms: null },
      ],
      nodes: [
        {
          name: 'edge-1',
          role: '',
          state: 'failed',
          version: '',
          cluster: '',
          labels: { site: 'north' },
          lastContact: null,
          clockOffsetMs: null,
          reason: 'silent',
          rows: 7,
        },
      ],
    });
  });

  it.each([[undefined], [null], ['text'], [{}], [{ details: null }], [{ details: { urls: 'x' } }]])(
    'are none in %j',
    (answer) => {
      expect(healthDetails(answer)).toBeNull();
    },
  );

  it('put nodes in trouble first', () => {
    const node = (name: string, state: string): NodeInfo => ({
      name,
      state,
      role: 'edge',
      version: '',
      cluster: '',
      labels: {},
      lastContact: null,
      clockOffsetMs: null,
    });
    const nodes = [node('c', 'alive'), node('b', 'failed'), node('a', 'alive'), node('d', 'failed')];
    expect(troubledFirst(nodes).map(({ name }) => name)).toEqual(['b', 'd', 'a', 'c']);
  });
});
