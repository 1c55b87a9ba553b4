/** A character with a meaning in RE2, made a plain one. */
function escaped(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|]/, '\\$&');
}

// A path glob as an RE2 pattern for the whole text. `*` and `?` stay within a component; `**` crosses them, and as a
// component of its own stands for none, too (/usr/**/x is also /usr/x); [a-z] and [!a-z] are classes. DuckDB's own
// GLOB counts bytes and lets `*` cross, so it isn't used.
export function globPattern(glob: string): string {
  let pattern = '';
  for (let at = 0; at < glob.length;) {
    const character = glob.charAt(at);
    const set = /^\[([!^]?)(\]?[^\]]+)\]/.exec(glob.slice(at));
    if (glob.startsWith('**/', at)) {
      pattern += '(?:.*/)?';
      at += 3;
    } else if (glob.startsWith('**', at)) {
      pattern += '.*';
      at += 2;
    } else if (set !== null) {
      const [whole, negated = '', members = ''] = set;
      pattern += `[${negated === '' ? '' : '^'}${members.replace(/[\\[\]^&~]/g, '\\$&')}]`;
      at += whole.length;
    } else {
      pattern += character === '*' ? '[^/]*' : character === '?' ? '[^/]' : escaped(character);
      at += 1;
    }
  }
  return pattern;
}
