/** Every text the plugin shows, by the part that shows it. */
export const text = {
  config: {},
  editor: {},
  variables: {},
  annotations: {},
  explore: {},
} as const;
