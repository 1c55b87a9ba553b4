import { beginsShape, hashPieces, shapeInfixes, shapePrefixes } from './shapes.js';
import { toolRules } from './tool-table.js';

/** What a text may hold; the finders of the others need not look. */
export const Hint = { named: 1, shape: 2, url: 4, key: 8, header: 16, sql: 32, tool: 64, search: 128 } as const;

/** Three letters of each word that a finder looks for, the rarest ones. */
const pieces: readonly (readonly [hint: number, pieces: string])[] = [
  [
    Hint.named,
    'pas pwd pw= pw: pw" tok ecr ede eds key uth sig ssi sid ses sal see cod lic hma otp tic jwt mne psk csr xsr bho r.l pat= ass=',
  ],
  [Hint.url, '://  @tc @un'],
  [Hint.key, '-be e-l'],
  [Hint.header, 'uth bea ook'],
  [Hint.sql, 'ied ssw sph pgp th( th= in( li_ li( ql_ do( tco pt( dau'],
];

const OTHER = 0;
/** Letters are 1 to 26 whatever their case, digits are one, and so are signs that mean much the same. */
const folded = new Uint8Array(128);
for (let letter = 1; letter <= 26; letter++) folded[0x60 + letter] = folded[0x40 + letter] = letter;
for (let digit = 0x30; digit <= 0x39; digit++) folded[digit] = 27;
for (const sign of '-_.') folded[sign.charCodeAt(0)] = 28;
for (const sign of ':;') folded[sign.charCodeAt(0)] = 29;
folded[0x2f] = 30;
for (const sign of '=@~(>"') folded[sign.charCodeAt(0)] = 31;

function fold(code: number): number {
  return code < 128 ? (folded[code] ?? OTHER) : OTHER;
}

const hintsOfPiece = new Uint8Array(1 << 15);
function learn(hint: number, piece: string): void {
  const [first, second, third] = [0, 1, 2].map((index) => fold(piece.charCodeAt(index)));
  const at = ((first ?? 0) << 10) | ((second ?? 0) << 5) | (third ?? 0);
  hintsOfPiece[at] = (hintsOfPiece[at] ?? 0) | hint;
}
for (const [hint, list] of pieces) for (const piece of list.split(' ')) if (piece !== '') learn(hint, piece);
for (const prefix of [...shapePrefixes, 'eyJ']) {
  if (prefix.length > 2) learn(Hint.shape, prefix);
  else for (const next of '0abcdef') learn(Hint.shape, prefix + next);
}
const infixHints = new Set<string>([...shapeInfixes.map(({ hint }) => hint), ...hashPieces]);
for (const hint of infixHints) learn(Hint.shape, hint);

const WORDS = 0xffff;
/** Whether a word of such a hash may be a tool's name. */
const toolHashes = new Uint8Array(WORDS + 1);
for (const name of toolRules.keys()) {
  let hash = 0;
  for (let at = 0; at < name.length; at++) hash = (Math.imul(hash, 31) + name.charCodeAt(at)) | 0;
  toolHashes[hash & WORDS] = 1;
}

/** What this text may hold; 0 for most. One look at each character: every text passes here. */
export function hintsOf(text: string): number {
  let hints = 0;
  let piece = 0;
  let hash = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const sign = code < 128 ? (folded[code] ?? OTHER) : OTHER;
    piece = ((piece << 5) | sign) & 0x7fff;
    const found = hintsOfPiece[piece] ?? 0;
    if (found !== 0) hints |= (found & Hint.shape) === 0 ? found : (found & ~Hint.shape) | shapeHint(text, at);
    if (sign !== OTHER && sign <= 28) hash = (Math.imul(hash, 31) + code) | 0;
    else {
      if (toolHashes[hash & WORDS] === 1) hints |= toolHint(text, start, at);
      hash = 0;
      start = at + 1;
    }
  }
  if (toolHashes[hash & WORDS] === 1) hints |= toolHint(text, start, text.length);
  // Who searches for a word matters where the word is one of ours.
  return hints === Hint.search ? 0 : hints;
}

/** The piece that ends at `at` begins a token, or is of one's middle. */
function shapeHint(text: string, at: number): number {
  return beginsShape(text, at - 2) ||
    infixHints.has(
      text
        .slice(at - 2, at + 1)
        .toLowerCase()
        .replace(/\d/, '0'),
    )
    ? Hint.shape
    : 0;
}

function toolHint(text: string, start: number, end: number): number {
  const rules = toolRules.get(text.slice(start, end));
  if (rules === undefined) return 0;
  return rules.every(({ kind }) => kind === 'pattern') ? Hint.search : Hint.tool;
}
