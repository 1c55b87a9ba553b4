/** What colours mean, the same on every dashboard. */
export const outcomeColours = { happened: 'orange', blocked: 'purple', failed: '#9fa7b3' } as const;

/** Kinds of events: in none of the colours of outcomes and severities, and yellow only what the yellow regions are, too. */
export const operationColours = {
  Process: 'blue',
  File: 'green',
  Network: '#2aa7b8',
  NetworkFirewall: '#1b6f7d',
  Syscall: 'light-blue',
  Capabilities: 'light-green',
  Device: 'dark-green',
  AlertThreshold: 'yellow',
} as const;

/** Nodes, connectors and their health. */
export const stateColours = { good: 'green', warning: 'yellow', bad: 'red', unknown: '#9fa7b3' } as const;

export interface ValueMapping {
  readonly type: 'value' | 'special' | 'regex';
  readonly options: unknown;
}

/** Values shown in a colour: `{happened: 'orange'}`. */
export function coloured(colours: Readonly<Record<string, string>>): ValueMapping {
  const entries = Object.entries(colours).map(
    ([value, color], index) => [value, { color, index, text: value }] as const,
  );
  return { type: 'value', options: Object.fromEntries(entries) };
}

/** Of a policy that sets no severity. */
export const unsetSeverityColour = 'super-light-blue';

/** What stands for such a severity. */
export const unsetSeverity: ValueMapping = {
  type: 'special',
  options: { match: 'null', result: { text: '—', color: unsetSeverityColour, index: 0 } },
};

/** KubeArmor's severity, 1 to 10, in four steps: reds, the deeper the worse, and magenta; no outcome is one of them. */
export const severitySteps: readonly Step[] = [
  { value: null, color: '#ffc9c2' },
  { value: 4, color: '#ff7d6e' },
  { value: 7, color: '#d0152f' },
  { value: 9, color: '#e5007d' },
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

/** What there is no value of, as of a query that failed, is neither good nor bad. */
export const unknownValue: ValueMapping = {
  type: 'special',
  options: { match: 'null+nan', result: { text: '—', color: stateColours.unknown, index: 0 } },
};

/** One colour whatever the value. */
export function always(color: string): readonly Step[] {
  return [{ value: null, color }];
}

/**
 * What an empty panel says. Grafana shows it for a failed query and for missing nodes, too: no such sentence stands without
 * a reserve, which is as short as can be.
 * @param why what it means that nothing matched, a whole sentence
 */
export function nothing(why: string): string {
  return `${why.charAt(0).toUpperCase()}${why.slice(1)} (△ by the title: nodes missing; red: query failed.)`;
}
