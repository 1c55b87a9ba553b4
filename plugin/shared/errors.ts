/** Codes as the node's own, so that one list of codes explains both. */
export type QueryErrorCode = 'BAD_QUERY' | 'UNKNOWN_TABLE';

export interface QueryErrorDetails {
  readonly hint?: string | undefined;
  /** 0-based, in what the user wrote. */
  readonly position?: number | undefined;
}

/** What is wrong with a query before any node has seen it: a sentence, where, and what to do. */
export class QueryError extends Error {
  readonly code: QueryErrorCode;
  readonly hint: string | undefined;
  readonly position: number | undefined;

  constructor(message: string, details: QueryErrorDetails = {}, code: QueryErrorCode = 'BAD_QUERY') {
    super(message);
    this.name = 'QueryError';
    this.code = code;
    this.hint = details.hint;
    this.position = details.position;
  }
}
