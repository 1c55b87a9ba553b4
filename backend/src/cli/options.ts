import { InvalidArgumentError, Option } from 'commander';

/** An option that takes a whole number of at least `least`. */
export function countOption(flags: string, description: string, least = 1): Option {
  return new Option(flags, description).argParser((text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    }
    return value;
  });
}

/** For options that can be given more than once. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}
