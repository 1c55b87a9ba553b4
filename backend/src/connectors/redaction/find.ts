import { findPrivateKeys } from './armour.js';
import { findAuthorization, findCookies } from './headers.js';
import { Hint } from './hints.js';
import { findNamedValues } from './named-values.js';
import type { NameKind } from './names.js';
import { findShapes } from './shapes.js';
import { ShellText } from './shell.js';
import type { SecretSpan } from './spans.js';
import { mergeSpans } from './spans.js';
import { findSqlSecrets } from './sql.js';
import type { Text } from './text.js';
import { findToolSecrets } from './tool-secrets.js';
import { findUrlSecrets } from './urls.js';
import { ValueReader } from './values.js';

/**
 * The secrets of a text, in order and apart. Time is linear in the text.
 * @param hints what to look for, as `hintsOf` says
 */
export function findSecrets(text: Text, hints: number, kindOf: (name: string) => NameKind): readonly SecretSpan[] {
  const spans: SecretSpan[] = [];
  const shell = new ShellText(text);
  // Whatever found it, a secret ends where a shell's word does: what stands behind is another command.
  const add = (start: number, end: number): void => {
    const stop = shell.endOf(start, end);
    if (stop > start) spans.push({ start, end: stop });
  };
  const spared: SecretSpan[] = [];
  const reader = new ValueReader(text, shell);
  if ((hints & (Hint.tool | Hint.search)) !== 0)
    findToolSecrets(text, shell, add, (start, end) => void spared.push({ start, end }));
  if ((hints & Hint.key) !== 0) findPrivateKeys(text, add);
  if ((hints & Hint.url) !== 0) findUrlSecrets(text, add);
  if ((hints & Hint.shape) !== 0) findShapes(text, add);
  // What somebody searches for is no secret for its name.
  const named =
    spared.length === 0
      ? add
      : (start: number, end: number) => {
          if (!spared.some((each) => start >= each.start && start < each.end)) add(start, end);
        };
  if ((hints & Hint.header) !== 0) {
    findAuthorization(text, named);
    findCookies(text, named);
  }
  if ((hints & Hint.named) !== 0) findNamedValues(text, reader, shell, kindOf, named);
  if ((hints & Hint.sql) !== 0) findSqlSecrets(text, reader, named);
  return spans.length < 2 ? spans : mergeSpans(spans);
}
