import { foldName } from '../../core/index.js';
import { integerOf } from './build.js';
import { constantText } from './patterns.js';
import { placesIn } from './sizes.js';
import type { TreeRecord } from './tree.js';
import { recordsOf, textOf } from './tree.js';

/** How much longer a value may be than those it is made of, and how long when it is made of constants alone. */
export interface Growth {
  readonly factor: number;
  readonly bytes: number;
}

/** What a match of a regular expression is taken to have: patterns that match one character escape it, at most. */
const FEW_CHARACTERS = 8;

/** Of all places in a form. */
const MOST_WIDTH = 1000;

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
  const name = foldName(textOf(expression, 'function_name'));
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
    case 'repeat':
      return times(first, sizeOf(children[1]));
    case 'lpad':
    case 'rpad':
      // So many characters, of four bytes each at most, whatever they are made of.
      return { factor: first.factor, bytes: Math.max(first.bytes, 4 * sizeOf(children[1])) };
    case 'format':
    case 'printf': {
      const form = constantText(children[0]) ?? '';
      const places = placesIn(form);
      const factor = Math.max(1, ...own.slice(1).map((each) => each.factor * places));
      const most = Math.max(0, ...own.slice(1).map((each) => each.bytes));
      return { factor, bytes: form.length + MOST_WIDTH + places * most };
    }
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

function sizeOf(expression: TreeRecord | undefined): number {
  return expression === undefined ? 0 : (integerOf(expression) ?? 0);
}

function times({ factor, bytes }: Growth, by: number): Growth {
  const more = Math.max(1, by);
  return { factor: factor * more, bytes: bytes * more };
}
