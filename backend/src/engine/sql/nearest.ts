/** Levenshtein distance of two short names. */
export function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const substitution = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

/** The candidate most like a name; undefined when all differ in more letters than `atMost`: by default, half of them. */
export function nearest(
  name: string,
  candidates: readonly string[],
  atMost = Math.max(2, name.length / 2),
): string | undefined {
  const wanted = name.toLowerCase().slice(0, 100);
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    // `logs` means kubearmor.logs: compared with the last part too.
    const last = candidate.slice(candidate.lastIndexOf('.') + 1);
    const distance = Math.min(editDistance(wanted, candidate), editDistance(wanted, last));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return bestDistance <= atMost ? best : undefined;
}
