import { EventBusSrv, PluginType } from '@grafana/data';
import type { DataFrame, DataFrameJSON, EventBus, ScopedVars, TypedVariableModel } from '@grafana/data';
import { dataFrameToJSON } from '@grafana/data';
import { setAppEvents, setBackendSrv, setDataSourceSrv, setTemplateSrv } from '@grafana/runtime';
import type { BackendSrv, BackendSrvRequest, DataSourceSrv, TemplateSrv } from '@grafana/runtime';
import { of, throwError } from 'rxjs';
import { ArmorlakeDataSource } from '../datasource.js';
import type { Settings } from '../config/settings.js';
import type { ArmorlakeOptions } from '../types.js';

/** The part of one of Grafana's services that is needed. */
export function part<T>(members: Partial<T>): T {
  return Object.assign(Object.create(null), members);
}

/** A dashboard variable as Grafana replaces it. */
export interface FakeVariable {
  readonly values: readonly string[];
  readonly all?: boolean;
  /** The custom value of All. */
  readonly allValue?: string;
  readonly type?: 'query' | 'textbox';
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly data: unknown;
}

/** Grafana's runtime services around the plugin: what it answers, and what it was asked. */
export class FakeGrafana {
  readonly asked: Asked[] = [];
  /** By path behind `/api/`; an Error: it fails with that body. */
  readonly answers = new Map<string, unknown>();
  readonly variables = new Map<string, FakeVariable>();
  readonly events: EventBus = new EventBusSrv();

  /** Puts itself in the place of Grafana's services. */
  install(): this {
    setBackendSrv(part<BackendSrv>({ fetch: this.#fetch as BackendSrv['fetch'] }));
    setTemplateSrv(this.templates);
    setAppEvents(this.events);
    setDataSourceSrv(part<DataSourceSrv>({ getInstanceSettings: () => undefined }));
    return this;
  }

  readonly templates = part<TemplateSrv>({
    getVariables: () =>
      [...this.variables].map(
        ([name, { values, all, type = 'query' }]) =>
          ({ type, name, current: { value: all === true ? ['$__all'] : [...values] } }) as TypedVariableModel,
      ),
    replace: (target = '', scopedVars: ScopedVars = {}, format?: unknown) =>
      target.replace(/\$(\w+)|\$\{(\w+)(?::(\w+))?\}/gu, (match, plain?: string, braced?: string, inner?: string) => {
        const name = plain ?? braced ?? '';
        const own: unknown = scopedVars[name]?.value;
        const variable = own === undefined ? this.variables.get(name) : { values: [own].flat().map(String) };
        if (variable === undefined) return match;
        const all = 'all' in variable && variable.all === true;
        if (inner === 'text') return all ? 'All' : variable.values.join(' + ');
        if (all && 'allValue' in variable && variable.allValue !== undefined) return variable.allValue;
        if (typeof format === 'function') {
          return String(format(variable.values.length === 1 ? variable.values[0] : [...variable.values]));
        }
        return variable.values.join(inner === 'csv' ? ',' : '|');
      }),
  });

  /** The bodies it was asked with at a path. */
  askedAt(path: string): unknown[] {
    return this.asked.filter((each) => each.path === path).map(({ data }) => data);
  }

  /** Lets queries answer these frames. */
  answerFrames(refId: string, frames: readonly DataFrame[]): void {
    const json: DataFrameJSON[] = frames.map(dataFrameToJSON);
    this.answers.set('ds/query', { results: { [refId]: { status: 200, frames: json } } });
  }

  readonly #fetch = ({ method = 'GET', url, data }: BackendSrvRequest) => {
    const path = url.replace(/^\/api\//u, '').replace(/\?.*$/u, '');
    this.asked.push({ method, path, data });
    const answer = this.answers.get(path);
    if (answer === undefined) return throwError(() => ({ status: 404, data: { message: `nothing at ${path}` } }));
    return answer instanceof Failure ? throwError(() => answer) : of({ data: answer, status: 200, ok: true });
  };
}

/** How Grafana's fetch fails. */
export class Failure {
  constructor(
    readonly status: number,
    readonly data: unknown,
  ) {}
}

export function dataSource(jsonData: ArmorlakeOptions = {}): ArmorlakeDataSource {
  return new ArmorlakeDataSource({
    id: 1,
    uid: 'lake',
    type: 'armorlake-kubearmor-datasource',
    name: 'Armorlake',
    access: 'proxy',
    readOnly: false,
    jsonData,
    meta: {
      id: 'armorlake-kubearmor-datasource',
      name: 'Armorlake',
      type: PluginType.datasource,
      module: '',
      baseUrl: '',
      info: {
        author: { name: '' },
        description: '',
        links: [],
        logos: { large: '', small: '' },
        screenshots: [],
        updated: '',
        version: '',
      },
    },
  });
}

/** The settings of a new data source, as Grafana gives them to its config editor. */
export const newSettings: Settings = {
  id: 1,
  uid: 'lake',
  orgId: 1,
  name: 'Armorlake',
  typeLogoUrl: '',
  type: 'armorlake-kubearmor-datasource',
  typeName: '',
  access: 'proxy',
  url: '',
  user: '',
  database: '',
  basicAuth: false,
  basicAuthUser: '',
  isDefault: false,
  jsonData: {},
  secureJsonFields: {},
  readOnly: false,
  withCredentials: false,
};

/** Path of a resource of `dataSource`. */
export function resource(path: string): string {
  return `datasources/uid/lake/resources/${path}`;
}
