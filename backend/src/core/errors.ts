/** The closed set of error codes with their HTTP status; docs/errors.md describes each (a test compares them). */
export const ERROR_STATUS = {
  BAD_QUERY: 400,
  NOT_FEDERABLE: 400,
  NOT_ALLOWED: 400,
  UNKNOWN_TABLE: 400,
  BAD_REQUEST: 400,
  BAD_CONFIG: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  LIMIT_EXCEEDED: 413,
  BUSY: 429,
  CANCELLED: 499,
  INTERNAL: 500,
  PARTIAL_RESULT: 502,
  NOT_READY: 503,
  DISK_FULL: 503,
  DEADLINE: 504,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** What an error carries besides its sentence; `position` is a 0-based character offset into the SQL given. */
export interface ErrorDetails {
  readonly hint?: string | undefined;
  readonly position?: number | undefined;
  readonly node?: string | undefined;
  readonly cause?: unknown;
}

/** The form in which an error crosses a process or network border. */
export interface ErrorShape {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly position?: number;
  readonly node?: string;
}

/** The one error class: a code, a sentence that says what happened and where, and a hint that says what to do. */
export class ArmorlakeError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly position: number | undefined;
  readonly node: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'ArmorlakeError';
    this.code = code;
    this.hint = details.hint;
    this.position = details.position;
    this.node = details.node;
  }

  get status(): number {
    return ERROR_STATUS[this.code];
  }

  toShape(): ErrorShape {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.position === undefined ? {} : { position: this.position }),
      ...(this.node === undefined ? {} : { node: this.node }),
    };
  }

  static fromShape(shape: ErrorShape): ArmorlakeError {
    return new ArmorlakeError(shape.code, shape.message, shape);
  }

  /** Whatever was thrown, as an ArmorlakeError; anything unknown becomes INTERNAL with its own message kept. */
  static from(thrown: unknown): ArmorlakeError {
    if (thrown instanceof ArmorlakeError) return thrown;
    if (thrown instanceof Error && thrown.name === 'AbortError') {
      return new ArmorlakeError('CANCELLED', 'The request was cancelled.', { cause: thrown });
    }
    return new ArmorlakeError('INTERNAL', messageOf(thrown), { cause: thrown });
  }
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** True when a thrown value is a Node system error with this code, as `ENOENT`. */
export function hasErrno(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}
