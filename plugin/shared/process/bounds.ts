/** How far a tree goes, and how much of it is drawn; what is cut is said. */
export const TREE_BOUNDS = {
  /** Processes of one answer. */
  processes: 1_000,
  /** Generations below the event's process, and above it. */
  below: 24,
  above: 16,
  /** Processes that began this long before the time range are still found as parents. */
  lookbackMs: 86_400_000,
} as const;

/** Groups of (pod, process, resource) of one answer, the most frequent. */
export const BEHAVIOUR_GROUPS = 2_000;
