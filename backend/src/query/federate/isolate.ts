/**
 * Finds which of these make a trial of all of them fail, in a number of trials that grows with the logarithm: those that
 * fail by themselves; else the one without which the others pass, where there is exactly one such.
 * @param items that fail together.
 * @param passes tries some of them.
 */
export async function isolate<Item>(
  items: readonly Item[],
  passes: (some: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[]> {
  const alone = await failing(items, passes);
  return alone.length > 0 ? alone : await jointly(items, passes);
}

/** Those that fail by themselves, among some that fail together. */
async function failing<Item>(
  items: readonly Item[],
  passes: (some: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[]> {
  if (items.length <= 1) return items;
  const found: Item[] = [];
  for (const half of halves(items)) if (!(await passes(half))) found.push(...(await failing(half, passes)));
  return found;
}

/** Two values too large to be added make each other fail; the one that is too large fails with any of the others. */
async function jointly<Item>(
  items: readonly Item[],
  passes: (some: readonly Item[]) => Promise<boolean>,
): Promise<readonly Item[]> {
  const first = await tipping(items, passes);
  const second = await tipping([first, ...items.filter((item) => item !== first)], passes);
  const guilty: Item[] = [];
  for (const suspect of new Set([first, second])) {
    if (await passes(items.filter((item) => item !== suspect))) guilty.push(suspect);
  }
  return guilty.length === 1 ? guilty : [];
}

/** The last of the shortest beginning that fails. */
async function tipping<Item>(
  items: readonly Item[],
  passes: (some: readonly Item[]) => Promise<boolean>,
): Promise<Item> {
  let [good, bad] = [0, items.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (await passes(items.slice(0, middle))) good = middle;
    else bad = middle;
  }
  const item = items[bad - 1];
  if (item === undefined) throw new RangeError('Nothing was to be tried.');
  return item;
}

function halves<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  const middle = items.length >> 1;
  return [items.slice(0, middle), items.slice(middle)];
}
