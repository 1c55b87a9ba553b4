import { formatBytes } from '../config/index.js';
import { printable } from '../core/index.js';
import type { Explanation } from './client.js';
import { renderTable } from './table.js';

/** What each kind of fragment does. */
const kinds: Readonly<Record<string, string>> = {
  whole: 'the node runs all of it',
  agg: 'each node aggregates, its groups are shipped',
  rows: 'each node runs this, its rows are shipped',
  scan: 'each node filters, the columns that are needed are shipped',
};

/** A plan for people: what each node runs, who is asked, and what becomes of the answers. */
export function explanationText({ columns, merge, subqueries, fragments, nodes, estimate }: Explanation): string {
  const parts = fragments.map(({ name, kind, table, sql }) => {
    const does = Object.hasOwn(kinds, kind) ? `: ${kinds[kind] ?? ''}` : '';
    const of = table === '' ? '' : ` of ${printable(table)}`;
    return `Fragment ${printable(name)} (${printable(kind)}${of})${does}\n${indented(sql)}`;
  });
  const asked = nodes.filter(({ status }) => status !== 'pruned').length;
  return [
    ...(subqueries === 0 ? [] : [`${subqueries} ${subqueries === 1 ? 'subquery' : 'subqueries'} ran first.\n`]),
    ...parts,
    merge === null ? 'Merge: none, one node answers alone.\n' : `Merge, at the asked node\n${indented(merge)}`,
    `Nodes: ${asked} of ${nodes.length} asked\n${renderTable(
      [{ name: 'node' }, { name: 'status' }, { name: 'reason' }],
      nodes.map(({ name, status, reason }) => [name, status, reason]),
    )}`,
    `Answer: ${columns.map(({ name, type }) => `${printable(name)} ${printable(type)}`).join(', ')}\n` +
      `Estimate: ${estimate.nodes} ${estimate.nodes === 1 ? 'node reads' : 'nodes read'} up to ${estimate.rows} rows; up to ${formatBytes(estimate.bytes)} shipped\n`,
  ].join('\n');
}

const clause = /^(?:FROM|WHERE|GROUP BY|HAVING|QUALIFY|WINDOW|ORDER BY|LIMIT|UNION|EXCEPT|INTERSECT)\b/;
const token = /'(?:[^']|'')*'|"(?:[^"]|"")*"|[()]|\s+|[^\s'"()]+/g;

/** SQL indented; where it is one long line, as the printer gives it, each clause outside parentheses gets its own. */
function indented(sql: string): string {
  const text = sql.trim();
  const lines = text.includes('\n') ? text.split('\n') : clauses(text);
  return lines.map((line) => `    ${printable(line)}\n`).join('');
}

function clauses(sql: string): readonly string[] {
  const starts: number[] = [0];
  let depth = 0;
  for (const { 0: part, index } of sql.matchAll(token)) {
    if (part === '(') depth++;
    if (part === ')') depth--;
    if (depth === 0 && clause.test(sql.slice(index, index + 20))) starts.push(index);
  }
  return starts.map((start, at) => sql.slice(start, starts[at + 1]).trim());
}
