import type { ScopedVars, TypedVariableModel } from '@grafana/data';
import type { TemplateSrv } from '@grafana/runtime';
import type { VariableValue, Variables } from '../shared/index.js';

/** Grafana's own words for All: the value a variable is saved with, and the text shown (never translated). */
const ALL_VALUE = '$__all';
const ALL_TEXT = 'All';

/** The variables of the dashboard as they are where the query runs (a repeated panel has values of its own). */
export function dashboardVariables(
  templates: Pick<TemplateSrv, 'replace' | 'getVariables'>,
  scopedVars?: ScopedVars,
): Variables {
  const lookup = (name: string, field?: string): VariableValue | null => {
    const reference = `\${${name}${field === undefined ? '' : `.${field}`}}`;
    const captured: string[][] = [];
    const replaced = templates.replace(reference, scopedVars, (value: unknown) => {
      captured.push(textsOf(value));
      return '';
    });
    const [values] = captured;
    // A custom value for All is put in as it is written, without asking for a format.
    if (values === undefined) return replaced === reference ? null : { values: [replaced], all: false };
    const textBox = variableOf(name)?.type === 'textbox';
    return { values, all: isAll(name), ...(textBox ? { textBox } : {}) };
  };
  const variableOf = (name: string): TypedVariableModel | undefined =>
    templates.getVariables().find((each) => each.name === name);
  const isAll = (name: string): boolean => {
    const variable = variableOf(name);
    const current: unknown = variable !== undefined && 'current' in variable ? variable.current : undefined;
    const chosen: unknown = typeof current === 'object' && current !== null ? Reflect.get(current, 'value') : undefined;
    if (!textsOf(chosen).includes(ALL_VALUE)) return false;
    // In a panel that is repeated for each value the dashboard's choice is All, the panel's is not.
    return templates.replace(`\${${name}:text}`, scopedVars) === ALL_TEXT;
  };
  return { lookup, formatted: (reference) => templates.replace(reference, scopedVars) };
}

function textsOf(value: unknown): string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((each) => each !== undefined && each !== null).map(String);
}
