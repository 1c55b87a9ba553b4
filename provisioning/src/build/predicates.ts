/** Conditions in SQL that several dashboards share; every variable they name is in `variables.ts`. */

/** Events within the dashboard's time and its filters on place. */
export function chosenEvents(table: string): string {
  return `$__timeFilter(time)\n  AND ${chosenPlace(table)}`;
}

/** Its filters on place alone. */
export function chosenPlace(table: string): string {
  return [
    '$__conditionalAll(namespace IN ($namespace), $namespace)',
    '$__conditionalAll(workload IN ($workload), $workload)',
    `$__adHocFilters(${table})`,
  ].join('\n  AND ');
}

/**
 * Of the nodes that the asked node knows (armorlake.nodes, which no scope narrows) those chosen above the dashboard.
 * @param name the column with their names
 */
export function chosenNodes(name = 'name'): string {
  return `$__nodes(${name}) AND $__conditionalAll(${name} IN ($members), $cluster)`;
}

/** The same of alerts, with the policy and the least severity; throttle marks are no alerts. */
export const chosenAlerts = [
  chosenEvents('kubearmor.alerts'),
  "type <> 'SystemEvent'",
  '$__conditionalAll(policy IN ($policy), $policy)',
  'coalesce(severity, 0) >= $severity',
].join('\n  AND ');

/** What the switch "Default posture" says: hide, show, or only. */
export const posture = "('$posture' = 'show' OR (coalesce(policy, '') = 'DefaultPosture') = ('$posture' = 'only'))";

/** Stretches of armorlake.gaps that touch the dashboard's time. */
export const gapsInRange = 'from_time < $__timeTo AND coalesce(to_time, $__timeTo) >= $__timeFrom';

/** Minutes of such a stretch that lie within it. */
export const gapMinutes =
  "date_diff('millisecond', greatest(from_time, $__timeFrom), least(coalesce(to_time, $__timeTo), $__timeTo)) / 60000.0";
