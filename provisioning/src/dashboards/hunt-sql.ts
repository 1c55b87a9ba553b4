import { chosenNodes, gapsInRange } from '../build/predicates.js';

/** Most that is looked for; what is pasted beyond that is said. */
export const MOST = 500;

/** What stands between two indicators. */
const BETWEEN = String.raw`[\s,;"]`;
const BEFORE = `(^|${BETWEEN})`;
const OCTET = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
const V4 = String.raw`${OCTET}(?:\.${OCTET}){3}`;

type Replacement = readonly [pattern: string, by: string];

function replaced(text: string, replacements: readonly Replacement[]): string {
  return replacements.reduce((sql, [pattern, by]) => `regexp_replace(${sql}, '${pattern}', '${by}', 'g')`, text);
}

/** SQL of what to compare, of one indicator or of all: without what was put around it so that nobody clicks it. */
function folded(text: string): string {
  return replaced(`lower(${text})`, [
    [String.raw`\[(?:\.|dot)\]|\((?:\.|dot)\)`, '.'],
    [String.raw`\[(:|:?//)\]`, String.raw`\1`],
    // Of a URL its host; the port is dropped below, but for an address.
    [String.raw`${BEFORE}[a-z][a-z0-9+.-]*://(?:[^\s,;"/@]*@)?([^\s,;"/?#]*)[^\s,;"]*`, String.raw`\1\2`],
    [String.raw`${BEFORE}(?:md5|sha-?1|sha-?256)[:=]`, String.raw`\1`],
    [String.raw`${BEFORE}\[([0-9a-f:.]+)\](?::\d{1,5}\b)?`, String.raw`\1\2`],
    [String.raw`${BEFORE}::ffff:(\d{1,3}\.)`, String.raw`\1\2`],
    [String.raw`${BEFORE}([a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.[a-z][a-z0-9-]*):\d{1,5}\b`, String.raw`\1\2`],
    [String.raw`${BEFORE}([a-z0-9_-]+(?:\.[a-z0-9_-]+)+)\.($|${BETWEEN})`, String.raw`\1\2\3`],
  ]);
}

/** As what an indicator is compared: its form, and where it is looked for. The first that fits holds. */
const forms: readonly { readonly name: string; readonly fits: string; readonly senses: readonly string[] }[] = [
  { name: 'path', fits: matches('/[^*?]*'), senses: ['path'] },
  { name: 'MD5', fits: matches('[0-9a-f]{32}'), senses: ['MD5'] },
  { name: 'SHA-1', fits: matches('[0-9a-f]{40}'), senses: ['SHA-1'] },
  { name: 'SHA-256', fits: matches('[0-9a-f]{64}'), senses: ['SHA-256'] },
  { name: 'IP', fits: matches(V4), senses: ['IP'] },
  { name: 'IP and port', fits: matches(String.raw`${V4}:[1-9]\d{0,4}`), senses: ['IP and port'] },
  { name: 'network', fits: matches(String.raw`${V4}/(?:[89]|[12]\d|3[0-2])`), senses: ['network'] },
  // Only in the short form that events have: another one of the same address would not be found.
  {
    name: 'IP',
    fits: `${matches('(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|[0-9a-f:]*::[0-9a-f:]*')} AND NOT regexp_matches(term, '(?:^|:)0[0-9a-f]|:::|::.*::|[0-9a-f]{5}|(?:^|:)0:0(?:$|:)|(?:[0-9a-f]+:+){8}')`,
    senses: ['IP'],
  },
  // Numbers, and digits of other hashes, are names of nothing.
  { name: 'unknown form', fits: matches('[0-9.]+|[0-9a-f]{32,}'), senses: [] },
  {
    name: 'domain, user or program',
    fits: matches(String.raw`[a-z0-9_][a-z0-9_@+$-]*(?:\.[a-z0-9_@+$-]+)+`),
    senses: ['domain', 'user', 'program'],
  },
  { name: 'user or program', fits: matches('[a-z0-9_][a-z0-9_@+$-]*'), senses: ['user', 'program'] },
];

function matches(pattern: string): string {
  return `regexp_full_match(term, '${pattern}')`;
}

const listOf = (texts: readonly string[]): string => `[${texts.map((text) => `'${text}'`).join(', ')}]`;

/** What was pasted, each with what it is compared as, which its form tells. */
export const given = `
  pasted AS (
    SELECT list_filter(string_split_regex('$indicators', '${BETWEEN}+'), lambda part: part <> '') AS parts
  ), given AS (
    SELECT any_value(part) AS indicator, ${folded('part')} AS term,
      CASE ${forms.map(({ name, fits }) => `WHEN ${fits} THEN '${name}'`).join('\n        ')}
        ELSE 'unknown form' END AS form
    FROM (SELECT unnest(parts[1:${MOST}]) AS part FROM pasted) GROUP BY lower(part), term
  ), senses AS (
    SELECT indicator, term, unnest(CASE form ${forms
      .filter(({ name }, index) => forms.findIndex((each) => each.name === name) === index)
      .map(({ name, senses }) => `WHEN '${name}' THEN ${listOf(senses)}::VARCHAR[]`)
      .join(' ')} END) AS sense FROM given
  )`;

const hashKind = (column: string): string =>
  `CASE len(${column}) WHEN 32 THEN 'MD5' WHEN 40 THEN 'SHA-1' WHEN 64 THEN 'SHA-256' END`;
const program = (column: string): string => `regexp_extract(${column}, '[^/]*$')`;

/** Columns in which an indicator may stand. */
const looked = [
  { field: 'process', sql: 'process' },
  { field: 'parent_process', sql: 'parent_process' },
  { field: 'file', sql: "CASE WHEN operation = 'File' THEN resource END" },
  { field: 'remote_ip', sql: 'remote_ip' },
  { field: 'domain', sql: 'domain' },
  { field: 'user_name', sql: 'user_name' },
  { field: 'process_hash', sql: 'process_hash' },
  { field: 'parent_hash', sql: 'parent_hash' },
  { field: 'resource_hash', sql: 'resource_hash' },
] as const;

/** What each of them is compared as; it may be more than one thing. */
const values: readonly {
  readonly field: (typeof looked)[number]['field'];
  readonly sense: string;
  readonly value: string;
}[] = [
  ...(['process', 'parent_process'] as const).flatMap((field) => [
    { field, sense: "'path'", value: `"${field}"` },
    { field, sense: "'program'", value: program(`"${field}"`) },
  ]),
  { field: 'file', sense: "'path'", value: '"file"' },
  { field: 'remote_ip', sense: "'IP'", value: 'address' },
  { field: 'remote_ip', sense: "'IP and port'", value: "address || ':' || remote_port" },
  { field: 'domain', sense: "'domain'", value: '"domain"' },
  { field: 'user_name', sense: "'user'", value: '"user_name"' },
  ...(['process_hash', 'parent_hash', 'resource_hash'] as const).map((field) => ({
    field,
    sense: hashKind(`"${field}"`),
    value: `"${field}"`,
  })),
];

/** A v4 address as a number; NULL of anything else. */
const numberOf = (address: string): string =>
  `list_reduce(list_transform(string_split(${address}, '.'), lambda octet: TRY_CAST(octet AS BIGINT)), lambda sum, octet: sum * 256 + octet)`;

const each = (texts: readonly string[]): string => `unnest([${texts.join(', ')}])`;

/** A v4 or v6 address as indicators are written. */
const address = "regexp_replace(lower(remote_ip), '^::ffff:', '')";
const wanted = (senses: string, term = 'term'): string => `SELECT ${term} FROM senses WHERE sense IN (${senses})`;
const octets = "least(3, TRY_CAST(split_part(term, '/', 2) AS INTEGER) // 8)";
const inNetworks = wanted("'network'", `array_to_string(string_split(term, '.')[1:${octets}], '.') || '.'`);

/**
 * Which events may hold any of the indicators: each node looks for each kind in the fields where it may stand, by lists
 * that it only looks up. It may find too much, as `hits` compares again: of an address with a port every port, of a
 * network all that share its whole octets.
 */
const mayHit = [
  ...['process', 'parent_process', "CASE WHEN operation = 'File' THEN resource END"].map(
    (path) => `lower(${path}) IN (${wanted("'path'")})`,
  ),
  ...[program('process'), program('parent_process'), 'user_name', 'domain'].map(
    (name) => `lower(${name}) IN (${wanted("'program', 'user', 'domain'")})`,
  ),
  ...['process_hash', 'parent_hash', 'resource_hash'].map(
    (hash) => `lower(${hash}) IN (${wanted("'MD5', 'SHA-1', 'SHA-256'")})`,
  ),
  `${address} IN (${wanted("'IP', 'IP and port'", "regexp_replace(term, '^([0-9.]+):[0-9]+$', '\\1')")})`,
  ...[1, 2, 3].map((count) => `regexp_extract(remote_ip, '(\\d+\\.){${count}}') IN (${inNetworks})`),
].join('\n      OR ');

/**
 * `hits`: which indicator stands in which field of which events. Events that are alike are one row, which its node and
 * seq tell from all others.
 * @param groups further columns by which events differ
 */
export function hits(groups: string): string {
  return `
  found AS (
    SELECT ${groups}, node, ${looked.map(({ field, sql }) => `${sql} AS "${field}"`).join(', ')}, remote_port,
      min(time) AS first, max(time) AS last, max_by(seq, time) AS seq,
      count(*) FILTER (kind = 'log') AS logs, count(*) FILTER (kind = 'alert') AS alerts,
      count(*) FILTER (kind = 'log' AND outcome = 'blocked') AS refused_logs,
      count(*) FILTER (kind = 'alert' AND outcome = 'blocked') AS refused_alerts
    FROM kubearmor.events
    WHERE $__timeFilter(time) AND (${mayHit})
    GROUP BY ALL
  ), addressed AS (
    SELECT *, ${address} AS address FROM found
  ), compared AS (
    SELECT * EXCLUDE (${looked.map(({ field }) => `"${field}"`).join(', ')}, remote_port, address),
      lower(${each(values.map(({ value }) => value))}) AS value,
      ${each(values.map(({ sense }) => sense))} AS sense, ${each(values.map(({ field }) => `'${field}'`))} AS field
    FROM addressed
  ), networks AS (
    SELECT indicator, ${numberOf("split_part(term, '/', 1)")} AS number, 1::BIGINT << (32 - TRY_CAST(split_part(term, '/', 2) AS INTEGER)) AS size
    FROM senses WHERE sense = 'network'
  ), within AS (
    SELECT address, indicator
    FROM (SELECT DISTINCT address, ${numberOf('address')} AS number FROM addressed) AS addresses
      JOIN networks ON addresses.number // size = networks.number // size
  ), hits AS (
    SELECT indicator, compared.* EXCLUDE (value, sense) FROM compared JOIN senses ON senses.term = value AND senses.sense = compared.sense
    UNION ALL
    SELECT indicator, compared.* EXCLUDE (value, sense) FROM compared JOIN within ON within.address = value AND compared.sense = 'IP'
  )`;
}

/** Acts that were refused: the log and the alert of one act are one, so it is the greater number of both. */
export const refused = 'greatest(sum(refused_logs), sum(refused_alerts))::BIGINT';

/** Events that a kind of indicator needs: where a namespace or host sends others but none of these, it is not watched for them. */
const needs: readonly { readonly what: string; readonly counted: string; readonly senses: readonly string[] }[] = [
  { what: 'File events', counted: "count(*) FILTER (operation = 'File')", senses: ['path'] },
  {
    what: 'Process or File events',
    counted: "count(*) FILTER (operation IN ('Process', 'File'))",
    senses: ['program'],
  },
  { what: 'user names', counted: 'count(user_name)', senses: ['user'] },
  { what: 'Network events', counted: 'count(remote_ip)', senses: ['IP', 'IP and port', 'network'] },
  {
    what: 'Network or DNS events',
    counted: "count(*) FILTER (operation = 'Network' OR domain IS NOT NULL)",
    senses: ['domain'],
  },
  ...['MD5', 'SHA-1', 'SHA-256'].map((sense) => ({
    what: `${sense} hashes`,
    counted: `count(*) FILTER (${hashKind('coalesce(process_hash, resource_hash)')} = '${sense}')`,
    senses: [sense],
  })),
];
const needed = needs.flatMap(({ what, senses }, index) => senses.map((sense) => ({ what, sense, index })));

/** Most nodes or namespaces that a reason names. */
const NAMED = 20;
const names = (name: string): string => `list_sort(list(DISTINCT ${name}))`;
const listed = (list: string): string =>
  `array_to_string((${list})[1:${NAMED}], ', ') || CASE WHEN len(${list}) > ${NAMED} THEN ' and ' || (len(${list}) - ${NAMED}) || ' more' ELSE '' END`;

/**
 * What a node remembers. Retention follows arrival, and no seq is given twice: it still has all that arrived in the time
 * range if no number is missing there. It listened when the range began if anything came before that, or was told of the
 * hour before that (a history may be imported).
 */
const memoryOf = (table: string): string => `
    SELECT node, min(received_at) AS heard, max(time) FILTER (time <= $__timeFrom AND time >= $__timeFrom - INTERVAL 1 HOUR) AS told,
      count(*) FILTER (received_at >= $__timeFrom) AS kept, max(seq) AS last,
      coalesce(max(seq) FILTER (received_at < $__timeFrom), 0) AS earlier
    FROM ${table} GROUP BY node`;

/** Why what isn't found may have happened all the same: of any indicator, and of a kind whose events don't come. */
export const doubts = `
  expected AS (
    SELECT name AS node, state FROM armorlake.nodes WHERE len(tables) > 0 AND ${chosenNodes()}
  ), remembered AS (${memoryOf('kubearmor.events')}
    UNION ALL${memoryOf('kubearmor.messages')}
  ), memory AS (
    SELECT node, coalesce(min(heard) < $__timeFrom OR max(told) IS NOT NULL, FALSE) AND sum(kept) >= max(last) - max(earlier) AS whole
    FROM remembered GROUP BY node
  ), counted AS (
    SELECT node, cluster, CASE WHEN coalesce(namespace, 'container_namespace') = 'container_namespace'
        THEN 'host ' || coalesce(host, '?') ELSE namespace END AS part, ${needs.map(({ counted }, index) => `${counted} AS n${index}`).join(',\n      ')},
      count(domain) AS domains
    FROM kubearmor.logs WHERE $__timeFilter(time) GROUP BY ALL
  ), doubts AS (
    SELECT CASE WHEN count(*) = 0 THEN 'no node that stores events is known, or chosen' END AS doubt FROM expected
    UNION ALL
    SELECT 'away: ' || ${listed(names('node'))} FROM expected WHERE state <> 'alive'
    UNION ALL
    SELECT 'gaps on ' || ${listed(names('node'))} FROM armorlake.gaps WHERE ${gapsInRange}
    UNION ALL
    SELECT 'remembers too little: ' || ${listed(names('node'))}
    FROM expected LEFT JOIN memory USING (node) WHERE state = 'alive' AND NOT coalesce(whole, FALSE)
    UNION ALL
    SELECT 'no events from ' || ${listed(names('node'))}
    FROM expected WHERE state = 'alive' AND node NOT IN (SELECT node FROM counted)
  ), doubt AS (
    SELECT string_agg(doubt, '; ' ORDER BY doubt) AS doubt FROM doubts WHERE doubt IS NOT NULL
  ), blind AS (
    SELECT sense, 'no ' || any_value(what) || ' from ' || ${listed(names("concat_ws('/', cluster, part) || ' (' || node || ')'"))} AS blind
    FROM (
      SELECT node, cluster, part, ${each(needed.map(({ sense }) => `'${sense}'`))} AS sense,
        ${each(needed.map(({ what }) => `'${what}'`))} AS what, ${each(needed.map(({ index }) => `n${index}`))} AS events
      FROM counted
    ) WHERE events = 0 GROUP BY sense
    UNION ALL
    SELECT 'domain', 'no DNS events from ' || ${listed(names('node'))}
    FROM (SELECT node FROM counted GROUP BY node HAVING sum(domains) = 0) HAVING count(*) > 0
  )`;
