import { linkDashboards } from '../../../plugin/shared/index.js';

/** Where links between dashboards lead. */
export const uids = {
  fleet: 'armorlake-fleet-overview',
  triage: 'armorlake-alert-triage',
  workload: linkDashboards.workload,
  process: linkDashboards.process,
  policies: 'armorlake-policy-effectiveness',
  hunt: linkDashboards.sightings,
  sessions: 'armorlake-sessions-egress',
  health: 'armorlake-health',
} as const;

/**
 * This dashboard's time range. Grafana puts its reader's time zone along, which would stay with whoever opens the link: named
 * twice, it is none, and each reader has their own.
 */
export const timeRange = '${__url_time_range}&timezone=';

/** Time range and variables of this dashboard, for a link to another one. */
export const keep = `${timeRange}&\${__all_variables}`;

/** Only the time range and the data source: for links to whichever dashboard. */
export const everywhere = `${timeRange}&var-datasource=\${datasource}`;
