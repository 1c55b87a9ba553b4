import { foldName } from '../../core/index.js';
import { integerOf } from './build.js';
import { constantText } from './patterns.js';
import type { TreeRecord } from './tree.js';
import { recordsOf, textOf } from './tree.js';

/** What is asked for by number, at most: characters of a padding, copies, the width of a format. */
const MOST = 1000;

/** Functions whose value is as long as the SQL says, and that are allowed where it says so in constants. */
const sized: ReadonlySet<string> = new Set(['repeat', 'lpad', 'rpad', 'format', 'printf']);

export function isSized(name: string): boolean {
  return sized.has(name);
}

/** Why a call could make a value of any size; null when it can't. */
export function sizeFault(call: TreeRecord): { readonly sentence: string; readonly hint: string } | null {
  const name = foldName(textOf(call, 'function_name'));
  const children = recordsOf(call, 'children');
  switch (name) {
    case 'repeat':
    case 'lpad':
    case 'rpad': {
      const size = children[1] === undefined ? null : integerOf(children[1]);
      if (size !== null && size >= 0 && size <= MOST) return null;
      const hint = name === 'repeat' ? "As repeat('-', 20)." : `As ${name}(host, 20, ' ').`;
      return { sentence: `${name} takes a size of up to ${MOST} as a number in the SQL`, hint };
    }
    case 'format':
    case 'printf': {
      const form = constantText(children[0]);
      if (form !== null && form.length <= MOST && hasSmallWidths(name, form)) return null;
      return {
        sentence: `${name} takes its form as a text in the SQL, with widths of up to ${MOST} in all`,
        hint: name === 'format' ? "As format('{:>10}', host)." : "As printf('%10s', host).",
      };
    }
    default:
      return null;
  }
}

/** Numbers in the form are widths and places; `*` and braces within braces would take a width from a value. */
function hasSmallWidths(name: string, form: string): boolean {
  const computed = name === 'printf' ? /%[^a-zA-Z%]*\*/ : /\{[^{}]*\{/;
  if (computed.test(form.replaceAll('{{', '').replaceAll('}}', ''))) return false;
  return (form.match(/\d+/g) ?? []).reduce((sum, digits) => sum + Number(digits), 0) <= MOST;
}

/** How often a form names a value, at most. */
export function placesIn(form: string): number {
  return form.split(/[{%]/).length - 1;
}
