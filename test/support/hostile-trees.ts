import type { Json, TreeRecord } from '../../backend/src/engine/index.js';
import { isList, isRecord } from '../../backend/src/engine/index.js';
import type { Random } from './random.js';

/** Names that would be SQL of their own if a printer forgot to quote them. */
export const hostileNames: readonly string[] = [
  'a b',
  'a, b',
  'a"b',
  "a'b",
  'a;b',
  'select',
  'a.b',
  'x) --',
  '1; DELETE FROM canary.kept; --',
  '* FROM duckdb_settings() --',
  '"; DELETE FROM canary.kept; --',
  "'; DELETE FROM canary.kept; --",
  'x /*',
  '*/ x',
  '$$',
  '$1',
  'größe',
  '日志',
  'a\nb',
  'a\u00a0b',
  '\\',
  '()',
  '""',
  'A',
  // Of other things here, of DuckDB's own, and what is one name in JavaScript and two in DuckDB.
  'r',
  'c',
  'q',
  't',
  'k',
  '\u212A',
  'pragma_database_list',
  'duckdb_tables',
  'duc\u212Adb_tables',
  'sqlite_master',
];

/** Statements that between them have every key of DuckDB's tree that holds a name. */
export const nameBearing: readonly string[] = [
  'SELECT a AS b, t.c, s.t.d FROM s.t AS t(x, y)',
  'SELECT t.*, u.* EXCLUDE (a, b) REPLACE (1 AS c) RENAME (d AS e) FROM t, u',
  "SELECT COLUMNS(t.*), COLUMNS('a.*'), COLUMNS(c -> c LIKE 'a%') FROM t",
  'SELECT * EXCLUDE (t.a) FROM t',
  'SELECT $1, $2 FROM t',
  'SELECT $name FROM t WHERE a = $other',
  'SELECT abs(a), s.abs(b), sum(a) FILTER (WHERE b), list(a ORDER BY b DESC) FROM t',
  'SELECT struct_pack(a := 1, b := 2), struct_pack(n => 1), {x: 1, y: 2} FROM t',
  "SELECT a COLLATE nocase, a::s.mood, a::mood, a::STRUCT(x INTEGER, y VARCHAR), a::ENUM('p', 'q'), a::UNION(m INTEGER, n VARCHAR) FROM t",
  'SELECT sum(a) OVER (PARTITION BY b ORDER BY c ROWS 1 PRECEDING), lag(a) OVER w FROM t WINDOW w AS (ORDER BY d)',
  'SELECT list_transform(a, lambda x, i: x + i), [z FOR z IN a IF z > 1] FROM t',
  'SELECT (a).b, a.b.c, a[1], a[1:2] FROM t',
  'SELECT * FROM t JOIN u USING (a, b) LEFT JOIN v AS w ON w.a = t.a ASOF JOIN z USING (d)',
  'SELECT * FROM (SELECT 1 AS a) AS s(b), (VALUES (1, 2)) AS v(c, d), LATERAL (SELECT t.a) l',
  'SELECT * FROM range(3) AS r(i), unnest([1]) AS u(x)',
  'WITH c(a, b) AS (SELECT 1, 2), d AS (SELECT * FROM c) SELECT * FROM c, d',
  'WITH RECURSIVE r(x, y) AS (SELECT 1, 2 UNION ALL SELECT x + 1, y FROM r WHERE x < 3) SELECT * FROM r',
  'WITH RECURSIVE r AS (WITH q AS (SELECT 1 AS a) SELECT a FROM q UNION ALL SELECT a FROM r) SELECT * FROM r, s.t',
  'WITH c AS (SELECT 1 AS a), k AS (SELECT a FROM c) SELECT * FROM k, (WITH q AS (SELECT a FROM k) SELECT * FROM q, c)',
  'WITH RECURSIVE k(a, b) USING KEY (a) AS (SELECT 1, 2 UNION SELECT a + 1, b FROM k WHERE a < 3) SELECT * FROM k',
  "PIVOT t ON a IN ('x' AS p, 'y') USING sum(b) AS s, count(*) AS n GROUP BY g",
  'SELECT * FROM t UNPIVOT (v FOR n IN (a, b AS c))',
  'SELECT * FROM t UNPIVOT INCLUDE NULLS ((v, w) FOR n IN ((a, b) AS x, (c, d)))',
  "SELECT a FROM t WHERE b IN ('x', 'y') AND c BETWEEN 1 AND 2 OR NOT d LIKE 'e' GROUP BY a, b HAVING count(*) > 1 QUALIFY row_number() OVER (ORDER BY a) = 1 ORDER BY a LIMIT 5",
  'SELECT EXISTS (SELECT a FROM u), (SELECT b FROM v), c IN (SELECT d FROM w), e = ANY (SELECT f FROM x) FROM t',
  "SELECT CASE a WHEN 1 THEN b ELSE c END, DATE '2026-01-01', INTERVAL 1 HOUR, 1.5, TRUE, NULL, 'text', '\\x00'::BLOB FROM t",
  'SELECT a FROM t UNION ALL BY NAME SELECT b FROM u EXCEPT SELECT c FROM v ORDER BY 1',
  'SELECT a FROM t GROUP BY GROUPING SETS ((a), (b, c), ())',
  'SELECT DISTINCT ON (a) b FROM t TABLESAMPLE 10%',
  'DESCRIBE s.t',
  'DESCRIBE SELECT a FROM t',
];

/** A text in a tree: where it stands, and what kind of record holds it. */
export interface TextPlace {
  /** As `STAR.relation_name`. */
  readonly key: string;
  readonly path: readonly (string | number)[];
}

/** Words of DuckDB's own: classes, types and flags, never names. */
const closed =
  /^(class|type|subquery_type|comparison_type|join_type|ref_type|setop_type|aggregate_handling|materialized|null_order|start|end|exclude_clause|show_type|method|id|repeatable)$/;

/** Every text of a tree that may be a name. */
export function textsIn(tree: Json, path: readonly (string | number)[] = [], holder = '', key = ''): TextPlace[] {
  if (typeof tree === 'string') return closed.test(key) ? [] : [{ key: `${holder}.${key}`, path }];
  if (isList(tree)) return tree.flatMap((each, index) => textsIn(each, [...path, index], holder, key));
  if (!isRecord(tree)) return [];
  const own = String(tree['class'] ?? tree['type'] ?? key);
  const kind = own === '[object Object]' ? key : own;
  return Object.entries(tree).flatMap(([name, value]) => textsIn(value, [...path, name], kind, name));
}

/** The tree with one of its values replaced. */
export function withValue(tree: Json, path: readonly (string | number)[], value: Json): Json {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  if (isList(tree)) return tree.map((each, index) => (index === first ? withValue(each, rest, value) : each));
  if (!isRecord(tree)) return tree;
  return { ...tree, [first]: withValue(tree[first] ?? null, rest, value) };
}

function valueAt(tree: Json, path: readonly (string | number)[]): Json {
  return path.reduce<Json>(
    (value, step) => (isList(value) ? value[Number(step)] : isRecord(value) ? value[step] : null) ?? null,
    tree,
  );
}

/** Where expressions stand in a tree, and they themselves. */
export function expressionsIn(
  tree: Json,
  path: readonly (string | number)[] = [],
): { path: typeof path; node: TreeRecord }[] {
  if (isList(tree)) return tree.flatMap((each, index) => expressionsIn(each, [...path, index]));
  if (!isRecord(tree)) return [];
  const own = typeof tree['class'] === 'string' ? [{ path, node: tree }] : [];
  return [...own, ...Object.entries(tree).flatMap(([key, value]) => expressionsIn(value, [...path, key]))];
}

/** A tree no parser made: expressions of others in its places, names of its own in other places, and hostile ones. */
export function randomTree(random: Random, trees: readonly TreeRecord[]): TreeRecord {
  let tree: Json = random.pick(trees);
  for (let swaps = random.integer(3); swaps > 0; swaps--) {
    const into = expressionsIn(tree);
    const from = expressionsIn(random.pick(trees));
    if (into.length > 0 && from.length > 0) tree = withValue(tree, random.pick(into).path, random.pick(from).node);
  }
  for (let names = 1 + random.integer(3); names > 0; names--) {
    const places = textsIn(tree);
    if (places.length === 0) continue;
    // A name that stands elsewhere in the tree, so that scopes are met, or a hostile one.
    const name = random.integer(3) === 0 ? valueAt(tree, random.pick(places).path) : random.pick(hostileNames);
    const tables = places.filter(({ key }) => key.endsWith('.table_name'));
    const where = tables.length > 0 && random.integer(3) === 0 ? tables : places;
    tree = withValue(tree, random.pick(where).path, name);
  }
  return isRecord(tree) ? tree : {};
}
