import type { ErrorBody } from '../../../shared/index.js';

/** What a failed resource call says: the plugin's own error body, Grafana's message, or the thrown error's. */
export function errorOf(thrown: unknown): ErrorBody {
  const data = property(thrown, 'data');
  const body = property(data, 'error');
  const code = property(body, 'code');
  const message = property(body, 'message');
  if (typeof code === 'string' && typeof message === 'string') {
    const hint = property(body, 'hint');
    const position = property(body, 'position');
    return {
      code,
      message,
      ...(typeof hint === 'string' ? { hint } : {}),
      ...(typeof position === 'number' ? { position } : {}),
    };
  }
  const said = [property(data, 'message'), property(thrown, 'statusText'), property(thrown, 'message')];
  const sentence = said.find((text): text is string => typeof text === 'string' && text !== '');
  return { code: 'NETWORK', message: sentence ?? 'Grafana could not reach the data source.' };
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
