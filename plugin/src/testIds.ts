/** Every `data-testid` of the plugin, for its tests. */
export const testIds = {
  config: {},
  editor: {},
  variables: {},
  annotations: {},
  explore: {},
} as const;
