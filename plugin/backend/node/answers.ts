import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { Coverage } from '../../shared/node-api.js';
import { PluginError, pluginCode } from '../errors.js';
import { coverageShape } from './coverage-shape.js';

const errorBody = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    position: z.number().optional(),
    node: z.string().optional(),
  }),
  coverage: z.unknown().optional(),
});

/** Media types in which a node answers. */
const NODE_TYPES = /^(application\/json|application\/vnd\.apache\.arrow\.stream|text\/event-stream)\b/i;

/** Whether a response's head can be a node's; what it is instead otherwise. */
export function foreignHead(url: string, status: number, headers: IncomingHttpHeaders): PluginError | null {
  const { host } = new URL(url);
  if (status >= 300 && status < 400) {
    return notArmorlake(host, `sends elsewhere (HTTP ${status} to ${printable(headers.location ?? 'nowhere')})`);
  }
  const type = headers['content-type'] ?? '';
  if (NODE_TYPES.test(type)) return null;
  const what = /^text\/html/i.test(type) ? 'a web page' : type === '' ? 'nothing of a known type' : printable(type);
  return notArmorlake(host, `answers ${what} (HTTP ${status})`);
}

/** Whatever came with a status of 400 or more, as an error. */
export function errorAnswer(url: string, status: number, body: Buffer): PluginError {
  const { host } = new URL(url);
  const parsed = errorBody.safeParse(jsonOf(body));
  if (!parsed.success) return notArmorlake(host, `answers JSON of its own (HTTP ${status})`);
  const { error } = parsed.data;
  const details = {
    position: error.position,
    node: error.node,
    coverage: coverageOf(parsed.data.coverage),
  };
  if (status === 401) {
    return new PluginError('UNAUTHENTICATED', `${host}: ${error.message}`, {
      ...details,
      hint: 'Set the token in the settings of the data source; `armorlake token create` on the node makes one.',
    });
  }
  if (status === 403)
    return new PluginError('FORBIDDEN', `${host}: ${error.message}`, { ...details, hint: error.hint });
  const code = error.code === 'INTERNAL' ? 'NODE_INTERNAL' : pluginCode(error.code, status);
  return new PluginError(code, error.message, { ...details, hint: error.hint });
}

/** The JSON of a good answer. @throws PluginError NOT_ARMORLAKE */
export function parseJson(url: string, body: Buffer): unknown {
  const value = jsonOf(body);
  if (value === undefined) throw notArmorlake(new URL(url).host, 'answers JSON that is broken');
  return value;
}

/** It answers, but not as a node. */
export function notArmorlake(host: string, what: string): PluginError {
  return new PluginError('NOT_ARMORLAKE', `${host} is no Armorlake node: it ${what}.`, {
    hint: "Check the URL: a node's HTTP port is 7470 unless it is configured otherwise.",
  });
}

function coverageOf(value: unknown): Coverage | undefined {
  return coverageShape.safeParse(value).data;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** Another server's text, short and without what a terminal or log could act on. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 100);
}
