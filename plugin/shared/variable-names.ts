/** A reference to a dashboard variable, in any of Grafana's spellings. */
export interface VariableReference {
  readonly name: string;
  /** `${name.field}` */
  readonly field?: string;
  /** `${name:format}` */
  readonly format?: string;
  /** As written. */
  readonly text: string;
  readonly index: number;
}

const pattern = /\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}/g;

/** The references in a text, from left to right. */
export function variablesIn(text: string): readonly VariableReference[] {
  return [...text.matchAll(pattern)].map((match) => {
    const [written, plain, bracket, bracketFormat, brace, field, braceFormat] = match;
    const format = bracketFormat ?? braceFormat;
    return {
      name: plain ?? bracket ?? brace ?? '',
      ...(field === undefined ? {} : { field }),
      ...(format === undefined ? {} : { format }),
      text: written,
      index: match.index,
    };
  });
}

/** The reference that a text is from its first to its last character, or null. */
export function wholeVariable(text: string): VariableReference | null {
  const [only] = variablesIn(text);
  return only !== undefined && only.text === text ? only : null;
}
