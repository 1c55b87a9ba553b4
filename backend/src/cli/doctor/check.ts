/** What one check found. `fix` says what to do; a check that is ok needs none. */
export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  readonly fix?: string;
}

export function ok(name: string, message: string): Check {
  return { name, status: 'ok', message };
}

export function warn(name: string, message: string, fix: string): Check {
  return { name, status: 'warn', message, fix };
}

export function fail(name: string, message: string, fix: string): Check {
  return { name, status: 'fail', message, fix };
}
