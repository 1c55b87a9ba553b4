/** What colours mean, the same on every dashboard. */
export const outcomeColours = { happened: 'orange', blocked: 'purple', failed: '#9fa7b3' } as const;

/** Nodes, connectors and their health. */
export const stateColours = { good: 'green', warning: 'yellow', bad: 'red', unknown: '#9fa7b3' } as const;

export interface ValueMapping {
  readonly type: 'value' | 'special';
  readonly options: unknown;
}

/** Values shown in a colour: `{happened: 'orange'}`. */
export function coloured(colours: Readonly<Record<string, string>>): ValueMapping {
  const entries = Object.entries(colours).map(
    ([value, color], index) => [value, { color, index, text: value }] as const,
  );
  return { type: 'value', options: Object.fromEntries(entries) };
}

/** What stands for a value that isn't set. */
export const unset: ValueMapping = { type: 'special', options: { match: 'null', result: { text: '—', index: 0 } } };

/** KubeArmor's severity, 1 to 10: from grey over yellow to dark red. */
export const severitySteps: readonly Step[] = [
  { value: null, color: '#9fa7b3' },
  { value: 4, color: 'yellow' },
  { value: 6, color: 'orange' },
  { value: 8, color: 'red' },
  { value: 10, color: 'dark-red' },
];

/** From this value on in this colour; null: from the beginning. */
export interface Step {
  readonly value: number | null;
  readonly color: string;
}

/** Green until a first problem. */
export function goodUntil(warning: number, bad?: number): readonly Step[] {
  const steps: Step[] = [
    { value: null, color: stateColours.good },
    { value: warning, color: stateColours.warning },
  ];
  return bad === undefined ? steps : [...steps, { value: bad, color: stateColours.bad }];
}

/** One colour whatever the value. */
export function always(color: string): readonly Step[] {
  return [{ value: null, color }];
}

/**
 * What an empty panel says. Grafana shows it for a failed query and for missing nodes, too: no such sentence stands without
 * a reserve.
 * @param why what it means that nothing matched, a whole sentence
 */
export function nothing(why: string): string {
  return `Nothing to show. With a red mark beside the title the query failed; with a triangle nodes were missing, or no longer remember this time; with neither: ${why}`;
}
