const LOWER = 1;
const UPPER = 2;
const DIGIT = 3;

/**
 * Whether a text looks drawn by lot, as keys and tokens do: letters and digits that change places often. Words,
 * versions, host names, paths and file names don't.
 */
export function looksRandom(text: string, least = 12): boolean {
  if (text.length < least) return false;
  let changes = 0;
  let letters = 0;
  let digits = 0;
  let last = 0;
  let run = 0;
  let longestWord = 0;
  for (let at = 0; at < text.length; at++) {
    const kind = classOf(text.charCodeAt(at));
    if (kind === 0) {
      if (!'+/=_-.~:%'.includes(text.charAt(at))) return false;
      last = 0;
      run = 0;
      continue;
    }
    if (kind === DIGIT) digits++;
    else letters++;
    if (last !== 0 && kind !== last) changes++;
    run = kind === last ? run + 1 : 1;
    if (kind !== DIGIT && run > longestWord) longestWord = run;
    last = kind;
  }
  if (digits === 0) return changes >= text.length / 3 && longestWord < 5;
  return letters >= 2 && changes >= Math.min(12, text.length / 5) && longestWord < 9;
}

function classOf(code: number): number {
  if (code >= 0x61 && code <= 0x7a) return LOWER;
  if (code >= 0x41 && code <= 0x5a) return UPPER;
  return code >= 0x30 && code <= 0x39 ? DIGIT : 0;
}
