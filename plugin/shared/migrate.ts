import { QueryError } from './errors.js';
import { SCHEMA_VERSION, queryTypes } from './model.js';
import { shown } from './quoting.js';

/** Whatever JSON holds under names. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `migrations[n]` brings a saved query of version n to n + 1. Version 0: saved without a version, by hand or provisioning. */
const migrations: readonly ((saved: JsonObject) => JsonObject)[] = [
  (saved) => {
    const { rawSql, ...rest } = saved;
    // People who write dashboards by hand know the field of Grafana's own SQL data sources.
    const sql = saved['sql'] ?? rawSql;
    const written = typeof sql === 'string' && sql !== '' && saved['builder'] === undefined;
    return {
      ...rest,
      ...(typeof sql === 'string' ? { sql } : {}),
      editor: saved['editor'] ?? (written ? 'sql' : 'builder'),
    };
  },
];

/**
 * A saved query brought to this version's shape; its fields are not checked yet (`parseModel` does that and calls this).
 * @throws QueryError for one of a newer version, or of a type that this version does not know.
 */
export function migrate(saved: JsonObject): JsonObject {
  const version = saved['schemaVersion'] ?? 0;
  if (typeof version !== 'number' || !Number.isInteger(version) || version < 0) {
    throw new QueryError("The saved query's schemaVersion is no whole number.", {
      hint: `It is ${String(SCHEMA_VERSION)} in queries of this version of the data source.`,
    });
  }
  if (version > SCHEMA_VERSION) {
    throw new QueryError('This query was made by a newer version of the data source.', {
      hint: `It has version ${String(version)}, this plugin knows up to ${String(SCHEMA_VERSION)}: update the plugin.`,
    });
  }
  const type = saved['queryType'];
  if (typeof type === 'string' && type !== '' && !queryTypes.some((known) => known === type)) {
    throw new QueryError(`This version of the data source has no query type "${shown(type)}".`, {
      hint: `It has ${queryTypes.join(', ')}. A newer version may have made the query: update the plugin.`,
    });
  }
  let migrated = saved;
  for (const step of migrations.slice(version)) migrated = step(migrated);
  return { ...migrated, schemaVersion: SCHEMA_VERSION };
}
