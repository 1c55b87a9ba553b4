import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { ArmorlakeError, messageOf } from '../core/index.js';
import { configKeys } from './keys.js';
import { nearest } from './nearest.js';

export type Tree = Readonly<Record<string, unknown>>;

/** One place settings come from: its values as a tree of keys, how it calls a key, and where its paths start. */
export interface Source {
  readonly tree: Tree;
  readonly base: string;
  describe(path: string): string;
}

/** Flags as `path → [flag, value]`: `{'http.port': ['--http', '7470']}`. */
export type FlagValues = ReadonlyMap<string, { readonly flag: string; readonly value: string }>;

/** Variables that share the prefix and are no settings of a node. */
const otherVariables = new Set(['ARMORLAKE_CONFIG', 'ARMORLAKE_URL', 'ARMORLAKE_TOKEN']);
const otherPrefixes = ['ARMORLAKE_TEST_', 'ARMORLAKE_BENCH_'];

/** A YAML file's settings; paths in it start at its folder. Throws BAD_CONFIG when it can't be read or parsed. */
export function fileSource(file: string): Source {
  const document = parseDocument(readConfigFile(file), { prettyErrors: true });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const at = problem.linePos?.[0];
    throw new ArmorlakeError(
      'BAD_CONFIG',
      `${file}${at === undefined ? '' : `, line ${at.line}, column ${at.col}`}: not valid YAML: ${firstLine(problem.message)}.`,
      { hint: 'Check the indentation and quotes there.' },
    );
  }
  const tree: unknown = document.toJS() ?? {};
  if (!isTree(tree)) {
    throw new ArmorlakeError('BAD_CONFIG', `${file} must hold a mapping of keys, as \`name: edge-1\`.`);
  }
  return { tree, base: dirname(resolve(file)), describe: (path) => `"${path}" in ${file}` };
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new ArmorlakeError('BAD_CONFIG', `Can't read the config file ${file}: ${messageOf(thrown)}.`, {
      hint: 'Check the path given with --config or ARMORLAKE_CONFIG.',
      cause: thrown,
    });
  }
}

/** The settings in ARMORLAKE_… variables. Throws BAD_CONFIG for one that is no setting, naming the nearest. */
export function environmentSource(environment: Readonly<Record<string, string | undefined>>, cwd: string): Source {
  const tree: Record<string, unknown> = {};
  const byName = new Map(configKeys.flatMap((key) => (key.env === null ? [] : [[key.env, key.path] as const])));
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith('ARMORLAKE_') || value === undefined || isOther(variable)) continue;
    const path = byName.get(variable);
    if (path === undefined) {
      const near = nearest(variable, [...byName.keys()]);
      throw new ArmorlakeError('BAD_CONFIG', `The environment variable ${variable} is no setting of Armorlake.`, {
        hint: near === undefined ? 'Unset it; docs/configure.md lists all of them.' : `Did you mean ${near}?`,
      });
    }
    assign(tree, path, value);
  }
  return { tree, base: cwd, describe: (path) => variableOf(path) };
}

function isOther(variable: string): boolean {
  return otherVariables.has(variable) || otherPrefixes.some((prefix) => variable.startsWith(prefix));
}

function variableOf(path: string): string {
  return configKeys.find((key) => key.env !== null && isWithin(path, key.path))?.env ?? path;
}

function isWithin(path: string, key: string): boolean {
  return path === key || (path.startsWith(key) && /^[.[]/.test(path.slice(key.length)));
}

/** The settings given as flags. */
export function flagSource(flags: FlagValues, cwd: string): Source {
  const tree: Record<string, unknown> = {};
  for (const [path, { value }] of flags) assign(tree, path, value);
  return {
    tree,
    base: cwd,
    describe: (path) => [...flags].find(([key]) => isWithin(path, key))?.[1].flag ?? path,
  };
}

function assign(tree: Record<string, unknown>, path: string, value: unknown): void {
  const steps = path.split('.');
  const last = steps.pop() ?? path;
  let at = tree;
  for (const step of steps) {
    const next = Object.hasOwn(at, step) && isTree(at[step]) ? { ...at[step] } : {};
    at[step] = next;
    at = next;
  }
  at[last] = value;
}

/** Later sources win; mappings are merged, lists and values replaced. */
export function merge(low: Tree, high: Tree): Tree {
  const merged: Record<string, unknown> = Object.assign(Object.create(null), low);
  for (const [key, value] of Object.entries(high)) {
    const below = merged[key];
    merged[key] = isTree(below) && isTree(value) ? merge(below, value) : value;
  }
  return merged;
}

/** True when the source says something at, above or below this path. */
export function speaksOf(source: Source, path: readonly PropertyKey[]): boolean {
  let at: unknown = source.tree;
  for (const step of path) {
    if (typeof at !== 'object' || at === null) return at !== undefined;
    at = Object.entries(at).find(([key]) => key === String(step))?.[1];
    if (at === undefined) return false;
  }
  return true;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? text).replace(/[.:]$/, '').replace(/ at line .*$/, '');
}
