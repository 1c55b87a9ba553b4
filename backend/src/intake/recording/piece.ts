/** A JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** A record as it lies in the input; its bytes hold no line break. */
export type Piece =
  | {
      readonly kind: 'json';
      readonly line: number;
      readonly bytes: Buffer;
      readonly value: unknown;
      readonly form: string;
    }
  | { readonly kind: 'text'; readonly line: number; readonly bytes: Buffer }
  | { readonly kind: 'broken'; readonly line: number; readonly bytes: Buffer; readonly error: string };

/** Parses a record's JSON; the sentence that says why it is none. */
export function parseJson(bytes: Buffer): { readonly value: unknown } | { readonly error: string } {
  try {
    return { value: JSON.parse(bytes.toString('utf8')) as unknown };
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    // JSON.parse quotes the text it was given.
    return { error: message.replace(/, .{0,40}is not valid JSON$/s, '').slice(0, 200) };
  }
}

/** The sentence about a line that is no JSON. */
export function noJson(error: string): string {
  return `Not a KubeArmor event: the line is not JSON (${error}).`;
}
