import type { DashboardJson } from './build/dashboard.js';
import { dashboard } from './build/dashboard.js';
import { fleet } from './dashboards/fleet.js';
import { health } from './dashboards/health.js';
import { hunt } from './dashboards/hunt.js';
import { policies } from './dashboards/policies.js';
import { processForensics } from './dashboards/process.js';
import { sessions } from './dashboards/sessions.js';
import { triage } from './dashboards/triage.js';
import { workloadBehaviour } from './dashboards/workload.js';

/** All dashboards, by the name of their file. */
export const dashboards: ReadonlyMap<string, DashboardJson> = new Map(
  [fleet, triage, workloadBehaviour, processForensics, policies, hunt, sessions, health].map((spec) => [
    `${spec.uid}.json`,
    dashboard(spec),
  ]),
);
