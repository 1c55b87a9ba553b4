import { printable } from '../../shared/printable.js';
import type { Origin, QueryDataRequest } from './types.js';

/** Texts of a query log's columns. */
const MOST = 200;

/** Grafana's headers by lower-case name; it puts `http_` before those that it forwards. */
export function headersOf(request: Pick<QueryDataRequest, 'headers'>): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(request.headers).map(([name, value]) => [name.toLowerCase().replace(/^http_/, ''), value]),
  );
}

/** Who asks, from which panel; an alert rule stands in the panel's place. */
export function originOf(request: Pick<QueryDataRequest, 'headers' | 'pluginContext'>): Origin {
  const headers = headersOf(request);
  const rule = headers.get('x-rule-uid');
  const user = request.pluginContext?.user?.login ?? '';
  const dashboard = headers.get('x-dashboard-uid') ?? '';
  const panel = headers.get('x-panel-id') ?? (rule === undefined ? '' : `alert rule ${rule}`);
  return {
    ...(user === '' ? {} : { user: short(user) }),
    ...(dashboard === '' ? {} : { dashboard: short(dashboard) }),
    ...(panel === '' ? {} : { panel: short(panel) }),
  };
}

/** The evaluation of an alert rule: its answer decides, no person sees its notices. */
export function isAlert(request: Pick<QueryDataRequest, 'headers'>): boolean {
  return headersOf(request).get('fromalert') === 'true';
}

/** Grafana computes with the answer on the server. */
export function isExpression(request: Pick<QueryDataRequest, 'headers'>): boolean {
  return headersOf(request).get('x-grafana-from-expr') === 'true';
}

function short(text: string): string {
  return printable(text).slice(0, MOST);
}
