import { looksRandom } from './randomness.js';
import type { AddSpan, Text } from './text.js';
import { isAlphanumeric } from './text.js';

/**
 * Tokens that tell themselves by their form: prefix, alphabet, least length behind the prefix. Facts about the forms
 * are from the rules of gitleaks (https://github.com/gitleaks/gitleaks, MIT) and the services' own documentation.
 */
interface Shape {
  readonly prefix: string;
  readonly alphabet: Alphabet;
  readonly least: number;
  /** Longer runs are something else. */
  readonly most: number;
}

type Alphabet = 'upper' | 'hex' | 'word' | 'dash' | 'dot' | 'base64' | 'cut';

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const alphanumeric = LETTERS + LETTERS.toUpperCase() + '0123456789';
const characters: Readonly<Record<Alphabet, string>> = {
  upper: LETTERS.toUpperCase() + '0123456789',
  hex: '0123456789abcdefABCDEF',
  word: alphanumeric,
  dash: alphanumeric + '_-',
  dot: alphanumeric + '_-.=',
  base64: alphanumeric + '+/=_-',
  cut: alphanumeric + '+/=_-.~%:',
};
const names = Object.keys(characters) as readonly Alphabet[];
/** A bit for each alphabet that a character belongs to. */
const alphabets = new Uint8Array(128);
names.forEach((name, index) => {
  for (const char of characters[name]) {
    const code = char.charCodeAt(0);
    alphabets[code] = (alphabets[code] ?? 0) | (1 << index);
  }
});

/** `prefix… alphabet least[-most]`, one kind of token a line. */
const table = `
AKIA ASIA ABIA ACCA upper 16-16
ABSK base64 60
bedrock-api-key- base64 20
LTAI word 12-24
AKID AKLT word 12-40
sl. dash 40
sess- word 30
ghp_ gho_ ghu_ ghs_ ghr_ word 20
github_pat_ dash 20
glpat- glrt- gldt- glft- glptt- glcbt- glsoat- glimt- gloas- glagent- glffct- dot 16
glrtr- GR1348941 dash 16
_gitlab_session= hex 16
sk-ant- dash 20
sk- word 20
sk-proj- sk-svcacct- sk-admin- sk-or-v1- sk-lf- sk-None- dash 20
gsk_ xai- pplx- r8_ fw_ csk- nvapi- lsv2_pt_ lsv2_sk_ tgp_v1_ voyage- dash 20
hf_ api_org_ word 16
ya29. 1// dot 20
GOCSPX- dash 16
AIza dash 24
xoxb- xoxp- xoxa- xoxo- xoxs- xoxr- xoxe- xoxe. xoxc- xoxd- dot 10
xapp- dash 10
sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_ rk_prod_ pk_live_ whsec_ word 10
shpat_ shpca_ shppa_ shpss_ shptka_ word 16
dop_v1_ doo_v1_ dor_v1_ word 20
dp.pt. dp.st. dp.ct. dp.sa. dp.scim. dp.audit. dot 20
live_pub_ test_pub_ hex 31
dnkey- dash 40
pypi-Ag dash 16
cio word 32-36

sk.ey dot 40
pat dot 70
v1.0- dash 100
A3- dash 28-40
vcp_ vci_ vca_ vcr_ vck_ word 24
amzn1.oa2-cs. dot 30
sdk- mob- dash 36-36
pat-na1- pat-eu1- dash 36-36
K10 cut 70
YmVkcm9jayBhcGkga2V5 base64 10
dckr_pat_ dckr_oat_ dash 16
npm_ word 20
rubygems_ word 20
oy2 word 43-43
hvs. hvb. hvr. dash 16
ATATT ATCTT ATBB ATSTT dot 20
SG. dot 20
SK hex 32-32
key- hex 32-32
xkeysib- xsmtpsib- dash 20
EAAC EAAM EAAA EAAE word 30
sq0atp- sq0csp- dash 20
AGE-SECRET-KEY- upper 20
ops_ey base64 50
dapi hex 32
dt0c01. dt0s01. dt0s16. dot 20
duffel_test_ duffel_live_ dash 30
EZAK EZTK word 40
FLWSECK- FLWSECK_TEST- dash 12
fo1_ dash 30
fm1a_ fm1r_ fm2_ base64 40
fio-u- dash 40
glc_ base64 20
glsa_ dash 20
eyJrIjoi base64 60
HRKU-AA HRKU- dash 30
ico- word 32
lin_api_ lin_oauth_ word 20
NRAK- NRII- NRJS- NRRA- NRSP- dash 19
NRAL word 20
ntn_ secret_ word 32
API- upper 26-36
sha256~ dash 20
PMAK- dash 20
pnu_ word 30
pul- word 20
rdme_ word 20
tk-us- dash 40
pscale_tkn_ pscale_oauth_ pscale_pw_ dot 16
sntrys_ sntryu_ base64 20
sm_aat_ sm_pat_ sm_sat_ word 16
shippo_live_ shippo_test_ hex 40
sgp_ dash 40
squ_ sqp_ sqa_ word 20
tfp_ dot 40
t1. dot 60
AQVN dash 35
YCA dash 30
figd_ figo_ dash 20
phc_ phx_ word 30
sbp_ word 20
sb_secret_ sb_publishable_ dash 20
nfp_ nfc_ word 20
CFPAT- dash 20
apify_api_ word 30
re_ dash 24
bkua_ bkct_ bkat_ word 32
CCIPAT_ CCIPRJ_ dash 30
tskey- dash 16
SWMTKN-1- dash 40
ory_pat_ ory_at_ ory_st_ dot 20
tr_dev_ tr_prod_ word 16
signkey-prod- signkey-test- dash 20
cs_live_ cs_test_ word 20
Atza| Atzr| base64 40
amzn.mws. dot 30
LS0tLS1CRUdJTiBSU0EgUFJJVkFURS LS0tLS1CRUdJTiBQUklWQVRF LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVE LS0tLS1CRUdJTiBFQyBQUklWQVRF LS0tLS1CRUdJTiBFTkNSWVBURUQg LS0tLS1CRUdJTiBQR1AgUFJJVkFURS base64 10
b3BlbnNzaC1rZXktdjE base64 40
`;

function startKey(first: number, second: number): number {
  return (first << 8) | second;
}

/** The shapes by the first two characters of their prefix. */
const shapesByStart = new Map<number, Shape[]>();
/** The beginnings of all prefixes: a text with none of them holds no such token. */
export const shapePrefixes: readonly string[] = table.split('\n').flatMap((line) => {
  const words = line.split(' ').filter((word) => word !== '');
  const [least = '0', most] = (words.at(-1) ?? '').split('-');
  const alphabet = names.find((name) => name === words.at(-2));
  if (alphabet === undefined) return [];
  const prefixes = words.slice(0, -2);
  for (const prefix of prefixes) {
    const key = startKey(prefix.charCodeAt(0), prefix.charCodeAt(1));
    const shape = { prefix, alphabet, least: Number(least), most: most === undefined ? Infinity : Number(most) };
    shapesByStart.set(
      key,
      [...(shapesByStart.get(key) ?? []), shape].sort((a, b) => b.prefix.length - a.prefix.length),
    );
  }
  return prefixes;
});

/** Pieces of password hashes, digits as 0. */
export const hashPieces = ['$0$', '$0y', '$0b', '$0a', '$y$', '$ap', '$ar'] as const;

/** What tokens are told by that stands in their middle. */
export const shapeInfixes = [
  { infix: '.atlasv1.', hint: 'sv0' },
  { infix: 'Q~', hint: '0q~' },
  { infix: ':AA', hint: ':aa' },
  { infix: '-us', hint: 'us0' },
] as const;

/** Whether a token of a known form may begin at `at`. */
export function beginsShape(text: string, at: number): boolean {
  if (at < 0) return false;
  const before = at === 0 ? 0 : text.charCodeAt(at - 1);
  if (isAlphanumeric(before) || before === 0x5f) return false;
  if (text.startsWith('eyJ', at)) return true;
  const shapes = shapesByStart.get(startKey(text.charCodeAt(at), text.charCodeAt(at + 1)));
  return shapes?.some(({ prefix }) => text.startsWith(prefix, at)) ?? false;
}

/** Runs of characters of one alphabet, each looked through once. */
class Runs {
  readonly #text: Text;
  readonly #starts = new Int32Array(names.length).fill(-1);
  readonly #ends = new Int32Array(names.length).fill(-1);
  #dotFrom = -1;
  #dot = -1;

  constructor(text: Text) {
    this.#text = text;
  }

  /** The first dot from here on, or a place far behind. */
  dot(from: number): number {
    if (from < this.#dotFrom || from > this.#dot) {
      const dot = this.#text.indexOf('.', from);
      this.#dotFrom = from;
      this.#dot = dot < 0 ? Number.POSITIVE_INFINITY : dot;
    }
    return this.#dot;
  }

  /** Where the run from here on ends. */
  end(alphabet: Alphabet, from: number): number {
    const index = names.indexOf(alphabet);
    const known = this.#ends[index] ?? -1;
    if (from >= (this.#starts[index] ?? 0) && from <= known) return known;
    let end = from;
    while (end < this.#text.length && isOf(this.#text.charCodeAt(end), index)) end++;
    this.#starts[index] = from;
    this.#ends[index] = end;
    return end;
  }
}

function isOf(code: number, alphabet: number): boolean {
  return code < 128 && ((alphabets[code] ?? 0) & (1 << alphabet)) !== 0;
}

/** Cloud keys, tokens of well-known services, JWTs: whatever tells itself by its form. */
export function findShapes(text: Text, add: AddSpan): void {
  const runs = new Runs(text);
  const { length } = text;
  let inWord = false;
  for (let at = 0; at + 1 < length; at++) {
    const code = text.charCodeAt(at);
    if (inWord) {
      inWord = isAlphanumeric(code) || code === 0x5f;
      continue;
    }
    inWord = isAlphanumeric(code) || code === 0x5f;
    if (!inWord) continue;
    const end = code === 0x65 ? jwtEnd(text, runs, at) : at;
    if (end > at) {
      add(at, end);
      at = end - 1;
      inWord = false;
      continue;
    }
    const shapes = shapesByStart.get(startKey(code, text.charCodeAt(at + 1)));
    if (shapes === undefined) continue;
    for (const { prefix, alphabet, least, most } of shapes) {
      if (!text.startsWith(prefix, at)) continue;
      const start = at + prefix.length;
      const stop = runs.end(alphabet, start);
      const token = trimmed(text, start, stop);
      if (token - start < least || stop - start > most) continue;
      const seen = text.slice(start, Math.min(token, start + 256));
      // Short beginnings are those of words, too.
      if (prefix.length < 4 && alphabet !== 'hex' ? !looksRandom(seen, 8) : !/\d/.test(seen) && !looksRandom(seen))
        continue;
      add(at, token);
      at = token - 1;
      inWord = false;
      break;
    }
  }
  findInfixes(text, runs, add);
  findHashes(text, add);
}

/** Hashes of passwords as crypt writes them, which can be tried offline: `$6$salt$hash`, `$2y$10$…`. */
function findHashes(text: Text, add: AddSpan): void {
  for (let at = text.indexOf('$', 0); at >= 0; at = text.indexOf('$', at + 1)) {
    if (!'1256ya'.includes(text.slice(at + 1, at + 2))) continue;
    const hash = /^\$(?:1|5|6|y|2[aby]|apr1|argon2id?)\$[\w./$,=+-]{20,180}/.exec(text.slice(at, at + 192))?.[0];
    if (hash === undefined) continue;
    add(at, at + hash.length);
    at += hash.length - 1;
  }
}

/** The end without the signs that a sentence or a shell puts behind it. */
function trimmed(text: Text, start: number, stop: number): number {
  while (stop > start && '.:%~-_'.includes(text.slice(stop - 1, stop))) stop--;
  return stop;
}

/** Where a JSON Web Token that begins at `at` ends: `eyJ….….…`; `at` when there is none. */
function jwtEnd(text: Text, runs: Runs, at: number): number {
  if (!text.startsWith('eyJ', at)) return at;
  const end = runs.end('dot', at);
  const first = runs.dot(at);
  if (first + 2 > end || first - at < 6) return at;
  const second = runs.dot(first + 1);
  return (second > first + 1 && second < end) || end - at >= 60 ? trimmed(text, at, end) : at;
}

/** Terraform's tokens, Azure's client secrets, Telegram's bots, Mailchimp's keys. */
function findInfixes(text: Text, runs: Runs, add: AddSpan): void {
  for (const { infix } of shapeInfixes) {
    let from = 0;
    for (;;) {
      const at = text.indexOf(infix, from);
      if (at < 0) break;
      from = at + infix.length;
      const before = text.slice(Math.max(0, at - 40), at);
      const own = infix === ':AA' ? at + 1 : from;
      const end = trimmed(text, own, Math.min(runs.end(infix === 'Q~' ? 'cut' : 'dash', own), own + 80));
      const length = end - own;
      const back =
        infix === '.atlasv1.' && length >= 40
          ? /[A-Za-z0-9]{10,14}$/.exec(before)
          : infix === 'Q~' && length >= 28
            ? /[\w~.]{3}\d$/.exec(before)
            : infix === ':AA' && length >= 30
              ? /\d{6,16}$/.exec(before)
              : infix === '-us' && length <= 2 && length > 0
                ? /(?<![0-9a-f])[0-9a-f]{32}$/.exec(before)
                : null;
      if (back === null) continue;
      // A bot's number stays; it is its name.
      const start = infix === ':AA' ? own : at - back[0].length;
      add(start, end);
      from = end;
    }
  }
}
