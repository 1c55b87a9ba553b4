import { describe, expect, it } from 'vitest';
import { errorOf } from './resourceError.js';

describe('what a failed look-up says', () => {
  it("is the plugin's own error", () => {
    const thrown = {
      status: 400,
      data: { error: { code: 'BAD_QUERY', message: 'No.', hint: 'Do.', position: 3, other: 1 } },
    };
    expect(errorOf(thrown)).toEqual({ code: 'BAD_QUERY', message: 'No.', hint: 'Do.', position: 3 });
  });

  it("else Grafana's, the status, or the thrown error's", () => {
    expect(errorOf({ status: 503, statusText: 'Unavailable', data: { message: 'Plugin is down' } }).message).toBe(
      'Plugin is down',
    );
    expect(errorOf({ status: 503, statusText: 'Unavailable', data: '' }).message).toBe('Unavailable');
    expect(errorOf(new Error('timeout')).message).toBe('timeout');
    expect(errorOf(undefined)).toEqual({ code: 'NETWORK', message: 'Grafana could not reach the data source.' });
  });
});
