import type { AlertCoverage } from '../../../plugin/shared/index.js';
import { SCHEMA_VERSION } from '../../../plugin/shared/index.js';
import { dedent } from '../build/queries.js';
import { uids } from '../build/uids.js';

/** The data source that the rules ask, as `provisioning/datasources/armorlake.yaml` names it. */
export const datasourceUid = 'armorlake';

export type AlertSeverity = 'critical' | 'high' | 'medium' | 'low' | 'info';

/** What a rule means by an answer that is missing or not whole; `why` stands in the YAML, too. */
export interface Certainty {
  readonly coverage: AlertCoverage;
  readonly noData: 'OK' | 'NoData' | 'Alerting' | 'KeepLast';
  readonly error: 'OK' | 'Error' | 'Alerting' | 'KeepLast';
  readonly why: string;
}

/** A question whose rows are alert instances: texts name them, the number is what the threshold looks at. */
export interface RuleSpec {
  readonly uid: string;
  readonly title: string;
  readonly severity: AlertSeverity;
  /** Technique or tactic of ATT&CK; null: the query answers it as its column `mitre`. */
  readonly mitre: string | null;
  /** Who is to look: those who care for the workloads, or for the nodes. */
  readonly concern: 'workload' | 'node';
  /** Minutes that one evaluation looks back. */
  readonly minutes: number;
  /** How long the condition must hold. */
  readonly pending?: string;
  /** The SQL, around an aggregate that it answers as its only number. */
  readonly sql: (number: string) => string;
  /** That aggregate: `count(*) AS events`. */
  readonly number: string;
  /** The instance fires above this. */
  readonly above: number;
  /**
   * More numbers of each instance for the texts: name → aggregate. `seq` makes the link to the process; `since` and `until`,
   * in ms after the epoch, are what links open: without them it is the last day.
   */
  readonly details?: Readonly<Record<string, string>>;
  /** Numbers that Grafana makes of those, which asks no node: name → expression. */
  readonly made?: Readonly<Record<string, string>>;
  /** One line; a template over `.Labels` and `.Values`. */
  readonly summary: string;
  /** What to do, a paragraph. */
  readonly runbook: string;
  /** Its events may lie on several nodes; `node` is that of its `seq` only. */
  readonly acrossNodes?: boolean;
  /** The rule sees nothing of a namespace whose File events are off. */
  readonly needsFileEvents?: boolean;
  readonly certainty: Certainty;
}

export interface RuleGroup {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly RuleSpec[];
}

/** More than these end an evaluation in an error; queries bound what one workload can make of them. */
const MOST_INSTANCES = 5_000;

type Json = Readonly<Record<string, unknown>>;

/** What a link shows before the first and after the last event of its instance. */
export const AROUND_MS = 3_600_000;

/**
 * Events by when they happened, which may be long before they were received. Whole numbers, so that a link opened on
 * another day leads to the same events.
 * @param first the column with their times, or with the first of each group of them
 * @param last likewise, with the last
 */
export function around(first = 'time', last = first) {
  return { since: `epoch_ms(min(${first})) - ${AROUND_MS}`, until: `epoch_ms(max(${last})) + ${AROUND_MS}` } as const;
}

/** A whole number of an instance; an alert of an error has none. */
function whole(name: string, otherwise = ''): string {
  return `{{ with .Values.${name} }}{{ printf "%.0f" .Value }}{{ else }}${otherwise}{{ end }}`;
}

/** The data source and the time. */
const shown = `var-datasource=${datasourceUid}&from=${whole('since', 'now-24h')}&to=${whole('until', 'now')}`;

/** A parameter of a link, where the instance has the label; what is in it is an attacker's. */
function parameter(variable: string, label = variable): string {
  return `{{ with .Labels.${label} }}&var-${variable}={{ . | urlquery }}{{ end }}`;
}

const toTriage = `{{ externalURL }}d/${uids.triage}?${shown}${parameter('cluster')}${parameter('namespace')}${parameter('workload')}`;
const toProcess = `{{ externalURL }}d/${uids.process}?${shown}${parameter('node')}&var-seq=${whole('seq')}`;
const toHealth = `{{ externalURL }}d/${uids.health}?${shown}${parameter('cluster')}${parameter('node')}`;

const missingFileEvents =
  "File events. KubeArmor's default visibility is process,network: where the rule “No File events” fires, this one sees only what a policy watches. Annotate the namespace: kubearmor-visibility=process,file,network,capabilities";

function annotationsOf(spec: RuleSpec): Json {
  const { summary, runbook, concern, details = {}, acrossNodes, needsFileEvents } = spec;
  return {
    summary,
    runbook,
    ...(needsFileEvents === true ? { prerequisite: missingFileEvents } : {}),
    triage: acrossNodes === true ? toTriage : `${toTriage}${parameter('node')}`,
    ...('seq' in details ? { process: toProcess } : {}),
    ...(concern === 'node' ? { health: toHealth } : {}),
  };
}

/** One query of a rule: as a saved query has it, only with what differs from the defaults. */
function asked(spec: RuleSpec, refId: string, number: string): Json {
  return {
    refId,
    datasourceUid,
    relativeTimeRange: { from: spec.minutes * 60, to: 0 },
    model: {
      refId,
      schemaVersion: SCHEMA_VERSION,
      queryType: 'table',
      editor: 'sql',
      sql: dedent(spec.sql(number)),
      sqlLimit: MOST_INSTANCES,
      alertCoverage: spec.certainty.coverage,
    },
  };
}

/** A rule as Grafana's file provisioning reads it; its API takes the same. */
export function ruleJson(spec: RuleSpec): Json {
  const threshold = { evaluator: { type: 'gt', params: [spec.above] } };
  return {
    uid: spec.uid,
    title: spec.title,
    condition: 'B',
    for: spec.pending ?? '0s',
    noDataState: spec.certainty.noData,
    execErrState: spec.certainty.error,
    labels: {
      severity: spec.severity,
      ...(spec.mitre === null ? {} : { mitre: spec.mitre }),
      concern: spec.concern,
    },
    annotations: annotationsOf(spec),
    data: [
      asked(spec, 'A', spec.number),
      ...Object.entries(spec.details ?? {}).map(([name, number]) => asked(spec, name, `${number} AS ${name}`)),
      ...Object.entries(spec.made ?? {}).map(([refId, expression]) => ({
        refId,
        datasourceUid: '__expr__',
        model: { refId, type: 'math', expression },
      })),
      {
        refId: 'B',
        datasourceUid: '__expr__',
        model: { refId: 'B', type: 'threshold', expression: 'A', conditions: [threshold] },
      },
    ],
  };
}
