import { PluginError } from '../errors.js';

/** The oldest node, as major.minor, that answers what this plugin asks. */
export const OLDEST_NODE = '0.1';

/** @throws PluginError VERSION when the node is too old, NOT_ARMORLAKE when it says no version. */
export function checkVersion(host: string, version: string): void {
  const found = numbers(version);
  const wanted = numbers(OLDEST_NODE);
  if (found === null || wanted === null) {
    throw new PluginError('NOT_ARMORLAKE', `${host} says no version that this data source knows.`, {
      hint: 'Check the URL in the settings of the data source.',
    });
  }
  const [major, minor] = found;
  if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) return;
  throw new PluginError(
    'VERSION',
    `${host} runs Armorlake ${version}; this data source needs ${OLDEST_NODE} or newer.`,
    {
      hint: 'Update the node.',
    },
  );
}

function numbers(version: string): [number, number] | null {
  const [, major, minor] = /^(\d+)\.(\d+)\b/.exec(version) ?? [];
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor)];
}
