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

/** Marks of throttled containers there; one of which KubeArmor names no workload is of whichever is chosen. */
export const chosenThrottling = [
  "$__timeFilter(time) AND operation = 'AlertThreshold'",
  '$__conditionalAll(namespace IN ($namespace), $namespace)',
  '$__conditionalAll(workload IS NULL OR workload IN ($workload), $workload)',
  '$__adHocFilters(kubearmor.alerts)',
].join('\n  AND ');

/** The same of alerts, with the policy and the least severity; throttle marks are no alerts. */
export const chosenAlerts = [
  chosenEvents('kubearmor.alerts'),
  "type <> 'SystemEvent'",
  '$__conditionalAll(policy IN ($policy), $policy)',
  'coalesce(severity, 0) >= $severity',
].join('\n  AND ');

/** What a policy reported that somebody wrote: KubeArmor's default posture is none. */
export const ofPolicy = "coalesce(policy, '') <> 'DefaultPosture'";

/** What the switch "Default posture" says: hide, show, or only. */
export const posture = "('$posture' = 'show' OR (coalesce(policy, '') = 'DefaultPosture') = ('$posture' = 'only'))";

/** Stretches of armorlake.gaps that touch the dashboard's time. */
export const gapsInRange = 'from_time < $__timeTo AND coalesce(to_time, $__timeTo) >= $__timeFrom';

/**
 * SQL of these stretches, cut to that time: `since`, `until`, how many `times`, `missing` events, and `minutes`, of which what
 * an earlier one of the same keys covers is left out. So they add up to the time in which events may be missing, however many
 * containers were throttled at once, and whichever streams broke together. What begins in the same second is one row, so that
 * a storm of throttling costs no more than its seconds.
 * @param keys columns of armorlake.gaps: only what has the same counts once
 */
export function gapStretches(...keys: readonly string[]): string {
  const columns = keys.join(', ');
  return `
    SELECT *, greatest(0, date_diff('millisecond', greatest(since, reached), until)) / 60000.0 AS minutes FROM (
      SELECT *, max(until) OVER (
        PARTITION BY ${columns} ORDER BY since ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
      FROM (
        SELECT ${columns}, min(greatest(from_time, $__timeFrom)) AS since,
          max(least(coalesce(to_time, $__timeTo), $__timeTo)) AS until, count(*) AS times, sum(estimated) AS missing
        FROM armorlake.gaps WHERE ${gapsInRange}
        GROUP BY ${columns}, date_trunc('second', greatest(from_time, $__timeFrom))))`;
}

/** Minutes of a node in which events may be missing, of whichever stream; a row a node that has any. */
export const missingMinutes = `SELECT node, sum(minutes) AS minutes FROM (${gapStretches('node')}) GROUP BY node`;
