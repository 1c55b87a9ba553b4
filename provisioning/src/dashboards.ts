import type { DashboardJson } from './build/dashboard.js';
import { dashboard } from './build/dashboard.js';
import { fleet } from './dashboards/fleet.js';
import { hunt } from './dashboards/hunt.js';
import { sessions } from './dashboards/sessions.js';
import { triage } from './dashboards/triage.js';

/** All dashboards, by the name of their file. */
export const dashboards: ReadonlyMap<string, DashboardJson> = new Map(
  [fleet, triage, hunt, sessions].map((spec) => [`${spec.uid}.json`, dashboard(spec)]),
);
