import { foldName } from '../../core/index.js';
import { boundedList } from './bounded.js';
import type { TreeRecord } from './tree.js';
import { isRecord, recordsOf, textOf, textsOf } from './tree.js';
import { visit } from './walk.js';

/** What a lambda uses besides its own parameters: nothing, values, or lists that it goes through each time. */
export type Captures = 'none' | 'values' | 'lists';

/** Items of a list that is gone through once for each item of another. */
const INNER_ITEMS = 250;

const quick = /^(list|array)_(extract|element|length|value|pack|first|last)$/;

/** Functions that go through the list that is their first argument. */
function walksList(call: TreeRecord): boolean {
  const name = foldName(textOf(call, 'function_name'));
  if (recordsOf(call, 'children').some((child) => textOf(child, 'class') === 'LAMBDA')) return true;
  if (quick.test(name)) return false;
  return /^(list|array)_|^(aggregate|apply|filter|flatten|grade_up|reduce)$/.test(name);
}

/** The lambdas a call is given, with the names of their parameters in lower case. */
function lambdasOf(call: TreeRecord): readonly { readonly lambda: TreeRecord; readonly own: ReadonlySet<string> }[] {
  return recordsOf(call, 'children').flatMap((lambda) => {
    const lhs = lambda['lhs'];
    if (textOf(lambda, 'class') !== 'LAMBDA' || !isRecord(lhs)) return [];
    const parameters = textOf(lhs, 'class') === 'COLUMN_REF' ? [lhs] : recordsOf(lhs, 'children');
    return [{ lambda, own: new Set(parameters.map((each) => foldName(textsOf(each, 'column_names')[0] ?? ''))) }];
  });
}

/** True when the expression holds anything but constants and the given names. */
function captures(expression: TreeRecord, own: ReadonlySet<string>): boolean {
  let found = false;
  const inner = new Set<string>();
  visit(expression, 'expression', {
    enter(record) {
      for (const lambda of lambdasOf(record)) for (const name of lambda.own) inner.add(name);
      const type = textOf(record, 'class');
      if (type === 'PARAMETER' || type === 'SUBQUERY') found = true;
      const name = textsOf(record, 'column_names').map(foldName)[0];
      if (type === 'COLUMN_REF' && name !== undefined && !own.has(name) && !inner.has(name)) found = true;
    },
  });
  return found;
}

/** What the lambdas of a call use besides their own parameters. */
export function capturesOf(call: TreeRecord): Captures {
  let most: Captures = 'none';
  for (const { lambda, own } of lambdasOf(call)) {
    const body = lambda['expr'];
    if (!isRecord(body)) continue;
    if (most === 'none' && captures(body, own)) most = 'values';
    visit(body, 'expression', {
      enter(record) {
        const [list] = recordsOf(record, 'children');
        if (list !== undefined && walksList(record) && isForeign(list, own)) most = 'lists';
      },
    });
  }
  return most;
}

/** A list that isn't a part of what the lambda was given: captured, or made of constants. */
function isForeign(list: TreeRecord, own: ReadonlySet<string>): boolean {
  if (captures(list, own)) return true;
  let given = false;
  visit(list, 'expression', {
    enter(record) {
      const name = textsOf(record, 'column_names').map(foldName)[0];
      given ||= name !== undefined && own.has(name);
    },
  });
  return !given;
}

/** The call with those lists bounded that its lambdas go through each time. */
export function guardLambdaBodies(call: TreeRecord): TreeRecord {
  const lambdas = lambdasOf(call);
  if (lambdas.length === 0) return call;
  let changed = false;
  const bodies = new Map(
    lambdas.map(({ lambda, own }) => {
      const guarded = visit(lambda, 'expression', {
        leave(record) {
          const [list, ...rest] = recordsOf(record, 'children');
          if (textOf(record, 'class') !== 'FUNCTION' || list === undefined || !walksList(record)) return record;
          if (!isForeign(list, own)) return record;
          const name = foldName(textOf(record, 'function_name'));
          const safe = boundedList(list, INNER_ITEMS, `${name} in a lambda`, 'Unnest the lists in FROM, and join.');
          return safe === list ? record : { ...record, children: [safe, ...rest] };
        },
      });
      changed ||= guarded !== lambda;
      return [lambda, guarded];
    }),
  );
  if (!changed) return call;
  return { ...call, children: recordsOf(call, 'children').map((child) => bodies.get(child) ?? child) };
}
