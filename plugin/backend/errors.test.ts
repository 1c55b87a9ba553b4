import { describe, expect, it } from 'vitest';
import { QueryError } from '../shared/errors.js';
import { PluginError, pluginCode } from './errors.js';

describe('whatever is thrown', () => {
  it('keeps its sense', () => {
    const query = PluginError.from(new QueryError('There is no macro.', { hint: 'Write another.', position: 3 }));
    expect(query).toMatchObject({ code: 'BAD_QUERY', status: 400, errorSource: 'downstream' });
    expect(query.text).toBe('There is no macro. Write another.');
    expect(query.toBody()).toEqual({
      code: 'BAD_QUERY',
      message: 'There is no macro.',
      hint: 'Write another.',
      position: 3,
    });
    expect(PluginError.from(AbortSignal.abort().reason)).toMatchObject({ code: 'CANCELLED', status: 499 });
    const known = new PluginError('TLS', 'No.');
    expect(PluginError.from(known)).toBe(known);
  });

  it('is the fault of the plugin when it is nothing else', () => {
    expect(PluginError.from(new TypeError('x is undefined'))).toMatchObject({
      code: 'INTERNAL',
      status: 500,
      errorSource: 'plugin',
      message: "The data source's backend failed: x is undefined",
    });
    expect(PluginError.from('text').message).toMatch(/text$/);
  });

  it('has a code of the closed set, also when a newer node knows more', () => {
    expect(pluginCode('DISK_FULL', 503)).toBe('DISK_FULL');
    expect(pluginCode('TOO_HOT', 400)).toBe('BAD_REQUEST');
    expect(pluginCode('toString', 503)).toBe('NODE_INTERNAL');
  });
});
