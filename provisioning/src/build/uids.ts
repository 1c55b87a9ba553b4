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

/** Time range and variables of this dashboard, for a link to another one. */
export const keep = '${__url_time_range}&${__all_variables}';

/** Only the time range and the data source: for links to whichever dashboard. */
export const everywhere = '${__url_time_range}&var-datasource=${datasource}';
