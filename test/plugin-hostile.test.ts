import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmorlakeModel, FilterOperator, Variables } from '../plugin/shared/index.js';
import {
  compileQuery,
  defaultQuery,
  emptyScope,
  interpolateModel,
  tailSelection,
  valuesQuery,
} from '../plugin/shared/index.js';
import { ModelNode, range } from './support/plugin-model.js';
import { Random } from './support/random.js';

/** What people, processes and attackers write. */
const fixed = [
  "'",
  "''",
  "\\'",
  '\\',
  '"',
  '""',
  "'; DROP TABLE kubearmor.logs; --",
  "' OR '1'='1",
  "x' UNION ALL SELECT 1 --",
  '$$',
  '$a$',
  "$a$'$a$",
  '$pod',
  '${pod}',
  '[[pod]]',
  '$__timeFilter(time)',
  '$__conditionalAll(TRUE, $pod)',
  '/* ',
  ' */',
  '--',
  '-5',
  '123',
  '0x41',
  'NULL',
  ')',
  ',',
  ';',
  '\n',
  '\r\n-- ',
  '\u0000',
  "a\u0000' OR TRUE --",
  '\u202eevil',
  '\u200b',
  '👾𝕏é',
  '%',
  '_',
  '{{x}}',
  '<script>alert(1)</script>',
  '=HYPERLINK("x")',
  '\u001b[31mred',
  '/usr/bin/*',
  '[a-z]',
];

const alphabet = [...'\'"\\$;-/*()[]{}%,. \n\u0000\u202eaé1E👾'];
const random = new Random(20261121);
const texts = [
  ...new Set([
    ...fixed,
    ...Array.from({ length: 40 }, () =>
      Array.from({ length: 1 + random.integer(12) }, () => alphabet[random.integer(alphabet.length)]).join(''),
    ),
  ]),
];

let node: ModelNode;

beforeAll(async () => {
  node = await ModelNode.open();
  await node.store(
    'kubearmor.logs',
    texts.map((pod) => ({ pod, namespace: 'shop', tags: [pod], labels: { app: pod } })),
  );
});

afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

function seqOf(text: string): number {
  return texts.indexOf(text) + 1;
}

function sql(text: string): ArmorlakeModel {
  return { ...defaultQuery('table'), editor: 'sql', sql: text };
}

async function seqs(model: ArmorlakeModel): Promise<readonly number[]> {
  return (await node.rows(model)).map(({ seq }) => Number(seq)).sort((a, b) => a - b);
}

function variables(pod: string): Variables {
  return {
    lookup: (name) => (name === 'pod' ? { values: [pod], all: false } : null),
    formatted: () => {
      throw new Error('no explicit format is used');
    },
  };
}

describe('hostile values in the builder', () => {
  it('match exactly what they are', async () => {
    for (const text of texts) {
      const of = (column: string, operator: FilterOperator, key?: string): Promise<readonly number[]> =>
        node.matching('kubearmor.logs', { column, operator, values: [text], ...(key === undefined ? {} : { key }) });
      // An alert rule's query never was a dashboard's: a value that is nothing but a variable is refused there.
      if (/^(\$\w+|\$\{\w+\}|\[\[\w+\]\])$/.test(text)) {
        await expect(of('pod', 'is')).rejects.toThrow('has no value here');
        continue;
      }
      expect(await of('pod', 'is'), JSON.stringify(text)).toEqual([seqOf(text)]);
      expect(await of('labels', 'is', 'app'), JSON.stringify(text)).toEqual([seqOf(text)]);
      expect(await of('tags', 'has any'), JSON.stringify(text)).toEqual([seqOf(text)]);
      expect(await of('pod', 'contains'), JSON.stringify(text)).toEqual(
        texts.filter((each) => each.includes(text)).map(seqOf),
      );
      expect(await of('pod', 'starts with'), JSON.stringify(text)).toEqual(
        texts.filter((each) => each.startsWith(text)).map(seqOf),
      );
    }
  });

  it('stay names as columns, keys, aliases and tables', async () => {
    const model = defaultQuery('table', 'kubearmor.logs');
    for (const text of texts.filter((each) => !/[\u0000.]/.test(each))) {
      const builder = { ...model.builder, aggregates: [{ function: 'count', alias: text }] } as const;
      expect(await node.rows({ ...model, builder }), JSON.stringify(text)).toEqual([{ [text]: texts.length }]);
      const column = await node.ask(
        compileQuery({ ...model, builder: { ...model.builder, columns: [`labels[${text}]`] } }, range),
      );
      expect([column.status, column.rows.length], JSON.stringify(text)).toEqual([200, texts.length]);
      expect(() => compileQuery({ ...model, builder: { ...model.builder, table: text } }, range)).toThrow(
        /no name of a table|names no table/,
      );
      const named = compileQuery({ ...model, builder: { ...model.builder, table: `kubearmor.${text}` } }, range);
      expect((await node.ask(named)).error?.code, JSON.stringify(text)).toMatch(/UNKNOWN_TABLE|BAD_QUERY/);
    }
  });

  it('are found by a look-up of values and by a live tail', async () => {
    for (const text of texts) {
      const { rows } = await node.ask(
        valuesQuery({
          table: 'kubearmor.logs',
          column: 'pod',
          filters: [],
          scope: emptyScope,
          search: text,
          limit: 500,
          fromMs: range.fromMs,
          toMs: range.toMs,
        }),
      );
      expect(
        rows.map(({ value }) => value),
        JSON.stringify(text),
      ).toContain(text);
      const { where } = tailSelection({
        table: 'kubearmor.logs',
        filters: [],
        adHocFilters: [{ key: 'pod', operator: '=', values: [text] }],
      });
      const tail = await node.ask({ sql: `SELECT seq FROM kubearmor.logs WHERE ${where}` });
      expect(tail.rows, JSON.stringify(text)).toEqual([{ seq: seqOf(text) }]);
    }
  });
});

describe('hostile values of variables in SQL', () => {
  const contexts = [
    'SELECT seq FROM kubearmor.logs WHERE pod = $pod',
    "SELECT seq FROM kubearmor.logs WHERE pod IN (${pod}) -- $pod '",
    "SELECT seq FROM kubearmor.logs WHERE pod IN ([[pod]]) /* $pod */ AND 'it''s' <> ''",
    'SELECT seq FROM kubearmor.logs WHERE $__conditionalAll(pod IN ($pod), $pod)',
    'SELECT seq FROM kubearmor.logs WHERE pod=$pod AND $__timeFilter(time)',
  ];
  const quoted = [
    "SELECT seq FROM kubearmor.logs WHERE pod = '$pod'",
    "SELECT seq FROM kubearmor.logs WHERE pod = E'${pod}'",
    'SELECT seq FROM kubearmor.logs WHERE pod = $$${pod}$$',
    'SELECT seq FROM kubearmor.logs WHERE pod = $tag$$pod$tag$',
    "SELECT seq FROM kubearmor.logs WHERE 'a' || pod || 'b' = 'a$pod' || 'b'",
    'SELECT seq, 1 AS "$pod" FROM kubearmor.logs WHERE pod = $pod',
  ];

  it.each(contexts)('%s', async (text) => {
    for (const pod of texts) {
      expect(await seqs(interpolateModel(sql(text), variables(pod))), JSON.stringify(pod)).toEqual([seqOf(pod)]);
    }
  });

  it.each(quoted)('%s', async (text) => {
    for (const pod of texts) {
      if (pod.includes('\u0000')) {
        expect(() => interpolateModel(sql(text), variables(pod))).toThrow('NUL');
        continue;
      }
      expect(await seqs(interpolateModel(sql(text), variables(pod))), JSON.stringify(pod)).toEqual([seqOf(pod)]);
    }
  });

  it('can not become part of a word or of another literal', async () => {
    for (const pod of texts) {
      for (const text of ['E${pod}', "'a'${pod}", '${pod}${pod}', '-${pod}', 'x${pod}', "${pod}'a'", 'U&${pod}']) {
        const model = interpolateModel(sql(`SELECT seq FROM kubearmor.logs WHERE pod = ${text}`), variables(pod));
        const { status, error, rows } = await node.ask(compileQuery(model, range));
        // Nonsense is refused; nothing of it ever is a condition that lets other rows through.
        if (status === 200) expect(rows.length, model.sql).toBeLessThanOrEqual(1);
        else expect(error?.code, model.sql).toMatch(/BAD_QUERY|NOT_ALLOWED/);
      }
    }
  });
});
