/** DuckDB's own names of the types a column of the network may have; another would be text that DuckDB has to trust. */
const scalarTypes: ReadonlySet<string> = new Set([
  'BOOLEAN',
  'TINYINT',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'HUGEINT',
  'UTINYINT',
  'USMALLINT',
  'UINTEGER',
  'UBIGINT',
  'UHUGEINT',
  'FLOAT',
  'DOUBLE',
  'VARCHAR',
  'BLOB',
  'BIT',
  'UUID',
  'DATE',
  'TIME',
  'TIMESTAMP',
  'TIMESTAMP_S',
  'TIMESTAMP_MS',
  'TIMESTAMP_NS',
  'TIMESTAMP WITH TIME ZONE',
  'TIME WITH TIME ZONE',
  'INTERVAL',
]);

const MOST_DIGITS = 38;

/** Types that another node may claim: a closed list, DECIMAL with sane digits, lists of them, and maps of two scalars. */
export function isColumnType(type: string): boolean {
  // Before any pattern looks at it: the longest real one is MAP(TIMESTAMP WITH TIME ZONE, …)[][][].
  if (type.length > 80) return false;
  const element = type.replace(/(\[\]){1,3}$/, '');
  const map = /^MAP\(([A-Z_ ]+), ([A-Z_ ]+)\)$/.exec(element);
  if (map !== null) return scalarTypes.has(map[1] ?? '') && scalarTypes.has(map[2] ?? '');
  return scalarTypes.has(element) || isDecimal(element);
}

function isDecimal(type: string): boolean {
  const [, width = '0', scale = '0'] = /^DECIMAL\((\d{1,2}),(\d{1,2})\)$/.exec(type) ?? [];
  return Number(width) >= 1 && Number(width) <= MOST_DIGITS && Number(scale) <= Number(width);
}
