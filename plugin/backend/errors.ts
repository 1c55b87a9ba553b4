import { QueryError } from '../shared/errors.js';
import type { Coverage, ErrorBody } from '../shared/node-api.js';

export type ErrorSource = 'plugin' | 'downstream';

/**
 * The closed set of codes: the node's own, and what happens on the way to it. Status as Grafana's HTTP API shows it;
 * `plugin` is what only a fault of this program brings about.
 */
const CODES = {
  BAD_QUERY: [400, 'downstream'],
  NOT_FEDERABLE: [400, 'downstream'],
  NOT_ALLOWED: [400, 'downstream'],
  UNKNOWN_TABLE: [400, 'downstream'],
  BAD_REQUEST: [400, 'downstream'],
  BAD_CONFIG: [400, 'downstream'],
  UNAUTHENTICATED: [401, 'downstream'],
  FORBIDDEN: [403, 'downstream'],
  NOT_FOUND: [404, 'downstream'],
  CONFLICT: [409, 'downstream'],
  LIMIT_EXCEEDED: [413, 'downstream'],
  BUSY: [429, 'downstream'],
  CANCELLED: [499, 'downstream'],
  INTERNAL: [500, 'plugin'],
  /** The node's own INTERNAL. */
  NODE_INTERNAL: [500, 'downstream'],
  PARTIAL_RESULT: [502, 'downstream'],
  NOT_READY: [503, 'downstream'],
  DISK_FULL: [503, 'downstream'],
  DEADLINE: [504, 'downstream'],
  /** The settings of the data source don't say what is needed. */
  BAD_SETTINGS: [400, 'downstream'],
  /** Nothing answers at the URL. */
  NETWORK: [502, 'downstream'],
  /** Something answers, but no trusted connection comes about. */
  TLS: [502, 'downstream'],
  /** Something else than a node answers. */
  NOT_ARMORLAKE: [502, 'downstream'],
  /** The node is older than this plugin needs. */
  VERSION: [502, 'downstream'],
  /** An alert rule's condition on coverage does not hold. */
  COVERAGE: [502, 'downstream'],
} as const satisfies Record<string, readonly [number, ErrorSource]>;

export type PluginErrorCode = keyof typeof CODES;

export interface PluginErrorDetails {
  readonly hint?: string | undefined;
  /** 0-based, in what the user wrote. */
  readonly position?: number | undefined;
  readonly node?: string | undefined;
  /** Who answered, when that is why it failed. */
  readonly coverage?: Coverage | undefined;
  readonly cause?: unknown;
}

/** The one error class of the backend: a code, a sentence that says what happened and where, a hint what to do. */
export class PluginError extends Error {
  readonly code: PluginErrorCode;
  readonly hint: string | undefined;
  readonly position: number | undefined;
  readonly node: string | undefined;
  readonly coverage: Coverage | undefined;

  constructor(code: PluginErrorCode, message: string, details: PluginErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'PluginError';
    this.code = code;
    this.hint = details.hint;
    this.position = details.position;
    this.node = details.node;
    this.coverage = details.coverage;
  }

  /** HTTP status. */
  get status(): number {
    return CODES[this.code][0];
  }

  get errorSource(): ErrorSource {
    return CODES[this.code][1];
  }

  /** The sentence and the hint, as a panel shows them. */
  get text(): string {
    return this.hint === undefined ? this.message : `${this.message} ${this.hint}`;
  }

  /** As resources and `ExplainAnswer` send it. */
  toBody(): ErrorBody {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.position === undefined ? {} : { position: this.position }),
      ...(this.node === undefined ? {} : { node: this.node }),
    };
  }

  /** Whatever was thrown; the unknown becomes INTERNAL with its message kept. */
  static from(thrown: unknown): PluginError {
    if (thrown instanceof PluginError) return thrown;
    if (isAbort(thrown)) return new PluginError('CANCELLED', 'The request was cancelled.', { cause: thrown });
    if (thrown instanceof QueryError) {
      const { code, message, hint, position } = thrown;
      return new PluginError(code, message, { hint, position, cause: thrown });
    }
    return new PluginError('INTERNAL', `The data source's backend failed: ${messageOf(thrown)}`, {
      hint: "Its lines in Grafana's log say more.",
      cause: thrown,
    });
  }
}

/** A code as an error came with it: unknown ones (of a newer node) by their status. */
export function pluginCode(code: string, status: number): PluginErrorCode {
  if (isPluginCode(code)) return code;
  return status < 500 ? 'BAD_REQUEST' : 'NODE_INTERNAL';
}

/** The message of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function isPluginCode(code: string): code is PluginErrorCode {
  return Object.hasOwn(CODES, code);
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown.name === 'AbortError' || thrown.name === 'TimeoutError');
}
