import { PluginError } from './errors.js';
import type { Logger } from './host/log.js';

/** Turns whatever was thrown into an error for the user; a fault of this program also goes into Grafana's log. */
export type Report = (thrown: unknown) => PluginError;

export function reportTo(logger: Logger): Report {
  return (thrown) => {
    const error = PluginError.from(thrown);
    if (error.code === 'INTERNAL') {
      const { cause } = error;
      logger.log('error', error.message, { stack: (cause instanceof Error ? cause.stack : error.stack) ?? '' });
    }
    return error;
  };
}
