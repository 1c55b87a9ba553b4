import { z } from 'zod';
import { configSchema } from './schema.js';

/** One key of the configuration, as the docs and error messages name it. */
export interface ConfigKey {
  /** As `http.port`; keys of list items as `kubearmor[].address`. */
  readonly path: string;
  /** The environment variable; null for keys of list items (the file has those). */
  readonly env: string | null;
  readonly description: string;
}

/** Every key of the schema, in its order. */
export const configKeys: readonly ConfigKey[] = [...walk(configSchema, '')];

/** `limits.query.maxRows` → `ARMORLAKE_LIMITS_QUERY_MAX_ROWS`. */
export function environmentName(path: string): string {
  return `ARMORLAKE_${path
    .replaceAll('.', '_')
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .toUpperCase()}`;
}

function* walk(schema: unknown, path: string): Generator<ConfigKey> {
  if (schema instanceof z.ZodOptional) {
    yield* walk(schema.unwrap(), path);
    return;
  }
  if (schema instanceof z.ZodObject) {
    for (const [key, child] of Object.entries(schema.shape)) yield* walk(child, path === '' ? key : `${path}.${key}`);
    return;
  }
  if (!(schema instanceof z.ZodType)) return;
  const description = schema.meta()?.description ?? '';
  yield { path, env: path.includes('[]') ? null : environmentName(path), description };
  const inner: unknown = schema instanceof z.ZodPipe ? schema.out : schema;
  if (inner instanceof z.ZodArray && inner.element instanceof z.ZodObject) yield* walk(inner.element, `${path}[]`);
}
