import type { LinkKind } from '../../shared/index.js';
import { filterableColumns } from '../../shared/index.js';
import type { DataLink, FieldConfig } from './frame.js';

/** What a field's config is made of: its name, what else its row has, and where links lead. */
export interface FieldPlace {
  readonly name: string;
  /** Names of all columns of the answer. */
  readonly columns: ReadonlySet<string>;
  readonly links: Readonly<Record<LinkKind, string>>;
  /** Uid of the data source, so that the dashboard asks the same one. */
  readonly dataSource: string;
  /** Among the rows are some that no policy matched: that these happened is nothing to look at. */
  readonly telemetry?: boolean;
}

/** Where links lead, and with which data source. */
export type LinkPlace = Pick<FieldPlace, 'links' | 'dataSource'>;

const units: Readonly<Record<string, string>> = {
  bytes: 'bytes',
  hot_bytes: 'bytes',
  wal_bytes: 'bytes',
  ms: 'ms',
  clock_offset_ms: 'ms',
  elapsed_ms: 'ms',
  estimated: 'short',
  rate: 'eps',
};

/** One colour for each outcome, in every view. */
export const outcomeColors: Readonly<Record<string, string>> = {
  happened: 'orange',
  blocked: 'purple',
  failed: '#9fa7b3',
};

/** A table's cell shows its text in that colour. */
const coloredText: FieldConfig = { custom: { cellOptions: { type: 'color-text' } } };

function colored(colors: Readonly<Record<string, string>>): FieldConfig {
  const values = Object.entries(colors).map(([value, color], index) => [value, { text: value, color, index }]);
  return { ...coloredText, mappings: [{ type: 'value', options: Object.fromEntries(values) }] };
}

/** Looks by a column's name. */
const looks: Readonly<Record<string, FieldConfig>> = {
  outcome: colored(outcomeColors),
  action: colored({ Block: 'purple', 'Audit (Block)': 'orange', Audit: 'orange', Allow: 'green' }),
  severity: {
    ...coloredText,
    mappings: [{ type: 'special', options: { match: 'null', result: { text: '—', color: 'super-light-blue' } } }],
    color: { mode: 'thresholds' },
    thresholds: {
      mode: 'absolute',
      steps: [
        { value: null, color: '#ffc9c2' },
        { value: 4, color: '#ff7d6e' },
        { value: 7, color: '#d0152f' },
        { value: 9, color: '#e5007d' },
      ],
    },
  },
};

const filterable: ReadonlySet<string> = new Set(filterableColumns);

/** Whole numbers that are names, not amounts. */
const identifiers = /(^|_)(seq|pid|ppid|uid|port)$/;

/** What nobody objected to has the colour of any other text. */
export const ordinaryOutcome: FieldConfig = colored({ ...outcomeColors, happened: 'text' });

/** Unit, value mappings, links of a field by its name; undefined: nothing to say. */
export function fieldConfig(place: FieldPlace): FieldConfig | undefined {
  const { name } = place;
  const links = linksOf(place);
  const config: FieldConfig = {
    ...(units[name] === undefined ? {} : { unit: units[name] }),
    ...(identifiers.test(name) ? { unit: 'none', decimals: 0 } : {}),
    ...(name === 'outcome' && place.telemetry === true ? ordinaryOutcome : looks[name]),
    ...(filterable.has(name) ? { filterable: true } : {}),
    ...(links.length === 0 ? {} : { links }),
  };
  return Object.keys(config).length === 0 ? undefined : config;
}

const processColumns: ReadonlySet<string> = new Set(['host_pid', 'pid', 'process', 'seq']);
const workloadColumns: ReadonlySet<string> = new Set(['pod', 'workload', 'container']);
const hashColumns: ReadonlySet<string> = new Set(['process_hash', 'parent_hash', 'resource_hash']);

function linksOf(place: FieldPlace): readonly DataLink[] {
  const { name, columns, links } = place;
  if (processColumns.has(name) && columns.has('node') && columns.has('seq')) {
    return processLinks(place, 'seq.numeric');
  }
  if (name === 'namespace' || (workloadColumns.has(name) && columns.has('namespace'))) {
    const own = name === 'workload' ? 'workload' : 'pod';
    const narrower = name !== 'namespace' && columns.has(own) ? { [own]: own } : {};
    return link(place, links.workload, 'Workload behaviour', { namespace: 'namespace', ...narrower });
  }
  if (hashColumns.has(name)) return link(place, links.sightings, 'Sightings of this hash', { indicators: name });
  return [];
}

/**
 * To the process tree around the row's event; none where there is no such dashboard.
 * @param seq the field of the event's number, and in what form: `seq.numeric` of numbers, `seq` of text
 */
export function processLinks(place: LinkPlace, seq: string): readonly DataLink[] {
  return link(place, place.links.process, 'Process tree', { event_node: 'node', seq });
}

/**
 * A plain dashboard URL: viewers may lack Explore. Values are an attacker's and percent-encoded.
 * @param variables of the dashboard, by the fields of the row
 */
function link(
  { dataSource }: Pick<FieldPlace, 'dataSource'>,
  dashboard: string,
  title: string,
  variables: Readonly<Record<string, string>>,
): readonly DataLink[] {
  if (dashboard === '') return [];
  const values = Object.entries(variables).map(
    ([variable, field]) => `var-${variable}=\${__data.fields.${field}:percentencode}`,
  );
  const parts = [`var-datasource=${encodeURIComponent(dataSource)}`, ...values, '${__url_time_range}'];
  return [{ title, url: `/d/${dashboard}?${parts.join('&')}` }];
}
