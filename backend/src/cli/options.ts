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

/** An option that can be given more than once; its values are a list. */
export function listOption(flags: string, description: string): Option {
  const collect = (value: string, previous: readonly string[]): readonly string[] => [...previous, value];
  return new Option(flags, `${description}; can be given more than once`).argParser(collect).default([], 'none');
}
