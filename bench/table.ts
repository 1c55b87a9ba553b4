import type { Figure } from './bench.js';
import { keepsBar } from './bench.js';

/** The figures as a table in Markdown. */
export function table(figures: readonly Figure[]): string {
  const head =
    '| what | measured | bar | kept | beside it | ratio | notes |\n| --- | --- | --- | --- | --- | --- | --- |';
  return [head, ...figures.map(line)].join('\n');
}

function line(figure: Figure): string {
  const { what, value, unit, bar, baseline, note = '' } = figure;
  const cells = [
    what,
    `${shown(value)} ${unit}`.trim(),
    bar === undefined ? '' : 'atMost' in bar ? `≤ ${shown(bar.atMost)}` : `≥ ${shown(bar.atLeast)}`,
    bar === undefined ? '' : keepsBar(figure) ? 'yes' : 'no',
    baseline === undefined ? '' : `${baseline.what}: ${shown(baseline.value)} ${unit}`,
    baseline === undefined ? '' : (value / baseline.value).toFixed(2),
    note,
  ];
  return `| ${cells.join(' | ')} |`;
}

function shown(value: number): string {
  return value >= 1000
    ? Math.round(value).toLocaleString('en')
    : value.toFixed(value >= 100 ? 0 : 1).replace(/\.0$/, '');
}
