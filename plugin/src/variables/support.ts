import { CustomVariableSupport } from '@grafana/data';
import type { DataQueryRequest, DataQueryResponse } from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';
import { defer, from } from 'rxjs';
import type { Observable } from 'rxjs';
import { dashboardVariables } from '../dashboardVariables.js';
import type { ArmorlakeDataSource } from '../datasource.js';
import type { ArmorlakeOptions, ArmorlakeQuery } from '../types.js';
import type { VariableQuery } from './query.js';
import { defaultVariable, readVariable } from './query.js';
import { lookUp, lookUpError } from './values.js';
import { VariableEditor } from './VariableEditor.js';

/** Variables of a dashboard: an editor of their own, and their values. */
export class ArmorlakeVariables extends CustomVariableSupport<
  ArmorlakeDataSource,
  VariableQuery,
  ArmorlakeQuery,
  ArmorlakeOptions
> {
  override editor = VariableEditor;

  constructor(private readonly datasource: ArmorlakeDataSource) {
    super();
  }

  override getDefaultQuery(): Partial<VariableQuery> {
    return defaultVariable(this.datasource.defaultTable);
  }

  override query(request: DataQueryRequest<VariableQuery>): Observable<DataQueryResponse> {
    const { targets, ...rest } = request;
    const typed: unknown = request.scopedVars['__searchFilter']?.value;
    const values = async (): Promise<DataQueryResponse> => {
      try {
        const query = readVariable(targets[0], this.datasource.defaultTable);
        const found = await lookUp(
          query,
          {
            variables: dashboardVariables(getTemplateSrv(), request.scopedVars),
            range: request.range,
            search: typeof typed === 'string' ? typed : undefined,
            request: rest,
          },
          this.datasource,
        );
        return { data: [...found.values] };
      } catch (thrown) {
        throw lookUpError(thrown);
      }
    };
    return defer(() => from(values()));
  }
}
