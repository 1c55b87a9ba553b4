/** What a recording seems to be, and the command that makes events of it. */
export interface Advice {
  readonly form: string;
  readonly hint: string;
}

const forms: readonly (readonly [pattern: RegExp, form: string, hint: string])[] = [
  [/[\0\u0001-\u0008\u000e-\u001f]/, 'binary', 'Import what `karmor logs --json --logFilter all` prints.'],
  [/^</, 'XML or HTML', 'Import what `karmor logs --json --logFilter all` prints.'],
  [/^(?:---|apiVersion:|- ?\w+:|\w+:(?: |$))/, 'YAML', "yq -o=json -I=0 '.' FILE | armorlake import -"],
  [/^[^{]+\{"/, 'lines with text before the JSON', "sed -E 's/^[^{]*//' FILE | armorlake import -"],
  [/^\{/, 'JSON', "jq -c '.. | objects | select(.Operation? or .Level?)' FILE | armorlake import -"],
  [/^[[0-9"nft-]/, 'JSON, but no objects', "jq -c '.. | objects' FILE | armorlake import -"],
];

/** By a record that is no event. */
export function adviceFor(record: Buffer): Advice {
  const head = record.toString('utf8', 0, 2000).trim();
  // CSV begins with the names of its columns.
  if (/^"?(?:_?\w+"?[,;\t]"?){2}/.test(head) && !head.includes('{')) {
    return { form: 'comma-separated text', hint: 'mlr --icsv --ojsonl cat FILE | armorlake import -' };
  }
  const known = forms.find(([pattern]) => pattern.test(head));
  if (known !== undefined) return { form: known[1], hint: known[2] };
  return { form: 'text without JSON', hint: 'Import what `karmor logs --json --logFilter all` prints.' };
}
