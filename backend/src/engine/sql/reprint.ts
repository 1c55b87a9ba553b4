import { quoteIdentifier } from '../../core/index.js';
import { digitsOf, isMisprinted, isSame } from './same.js';
import type { TreeRecord } from './tree.js';
import { isRecord, printStatement, readSerialized, textOf } from './tree.js';
import { visit } from './walk.js';

/**
 * The statement as DuckDB's printer is to be given it: the two names that it never quotes come quoted, and a
 * number that it would write as one of another type (`1e3` as `1000.0`, a DECIMAL) as a cast of its digits.
 */
export function forPrinter(statement: TreeRecord): TreeRecord {
  return visit(statement, 'statement', {
    leave(record, kind) {
      if (kind !== 'expression') return record;
      switch (textOf(record, 'class')) {
        case 'STAR':
          return quoted(record, 'relation_name');
        case 'PARAMETER':
          return quoted(record, 'identifier');
        case 'CONSTANT':
          return castOf(record);
        default:
          return record;
      }
    },
  });
}

/** `CAST('1000' AS DOUBLE)` for the DOUBLE 1000; what is printed as it is read stays. */
function castOf(constant: TreeRecord): TreeRecord {
  const { value } = constant;
  if (!isRecord(value) || !isMisprinted(value['type'])) return constant;
  const digits = digitsOf(value['value']);
  if (digits === '') return constant;
  return {
    class: 'CAST',
    type: 'OPERATOR_CAST',
    alias: textOf(constant, 'alias'),
    child: {
      class: 'CONSTANT',
      type: 'VALUE_CONSTANT',
      alias: '',
      value: { type: { id: 'VARCHAR', type_info: null }, is_null: false, value: digits },
    },
    cast_type: value['type'] ?? null,
    try_cast: false,
  };
}

/** Whatever the name is: plain ones may be words of the grammar. Only the numbers of `$1` can't be quoted. */
function quoted(record: TreeRecord, key: string): TreeRecord {
  const name = textOf(record, key);
  return name === '' || /^\d+$/.test(name) ? record : { ...record, [key]: quoteIdentifier(name) };
}

/** Where a node stood in its text; never part of what it means. */
const locations = /"query_location":\d+/g;

/**
 * Whether a text that DuckDB printed of a statement is that statement: printing is never trusted, as a name that the
 * printer forgot to quote would be read as SQL.
 * @param serialized what json_serialize_sql makes of the printed text.
 */
export function isPrintOf(statement: TreeRecord, serialized: string): boolean {
  if (serialized.replace(locations, '') === printStatement(statement).replace(locations, '')) return true;
  const read = readSerialized(serialized);
  const [only] = read.ok && read.statements.length === 1 ? read.statements : [];
  return only !== undefined && isSame(statement, only);
}
