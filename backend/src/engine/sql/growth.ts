import { constantText } from './patterns.js';
import type { TreeRecord } from './tree.js';
import { recordsOf, textOf } from './tree.js';

/** How much longer a value may be than those it is made of, and how long when it is made of constants alone. */
export interface Growth {
  readonly factor: number;
  readonly bytes: number;
}

/** What a match of a regular expression is taken to have: patterns that match one character escape it, at most. */
const FEW_CHARACTERS = 8;

const known = new WeakMap<TreeRecord, Growth>();

/** The growth of an expression: `replace`s within each other multiply, `||` adds. */
export function growthOf(expression: TreeRecord): Growth {
  const found = known.get(expression);
  if (found !== undefined) return found;
  const growth = measured(expression);
  known.set(expression, growth);
  return growth;
}

function measured(expression: TreeRecord): Growth {
  const text = constantText(expression);
  if (text !== null) return { factor: 1, bytes: text.length };
  const children = recordsOf(expression, 'children');
  const name = textOf(expression, 'function_name').toLowerCase();
  const own = children.map(growthOf);
  const [first = { factor: 1, bytes: 0 }] = own;
  switch (name) {
    case 'replace':
      return times(first, lengthOf(children[2]) / Math.max(1, constantText(children[1])?.length ?? 1));
    case 'regexp_replace':
      // Without "g" only the first match is replaced.
      return constantText(children[3])?.includes('g') === false || children.length < 4
        ? first
        : times(first, lengthOf(children[2]) / FEW_CHARACTERS);
    case 'array_to_string':
    case 'list_string_agg':
      return times(first, 1 + lengthOf(children[1]));
    case '||':
    case 'concat':
    case 'concat_ws':
    case 'list_concat':
    case 'list_cat':
    case 'array_concat':
    case 'array_cat':
      return {
        factor: own.reduce((sum, each) => sum + each.factor, 0),
        bytes: own.reduce((sum, each) => sum + each.bytes, 0),
      };
    default: {
      const child = expression['child'];
      const all = typeof child === 'object' && child !== null && 'class' in child ? [...own, growthOf(child)] : own;
      return {
        factor: Math.max(1, ...all.map((each) => each.factor)),
        bytes: Math.max(0, ...all.map((each) => each.bytes)),
      };
    }
  }
}

function lengthOf(expression: TreeRecord | undefined): number {
  return constantText(expression)?.length ?? 1;
}

function times({ factor, bytes }: Growth, by: number): Growth {
  const more = Math.max(1, by);
  return { factor: factor * more, bytes: bytes * more };
}
