import type { Writable } from 'node:stream';
import { setLogger } from '@grpc/grpc-js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Writes lines for Grafana's log. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

/**
 * Lines as hashicorp's hclog writes them in JSON: go-plugin reads `@level`, `@message` and `@timestamp` (six fraction
 * digits) and passes the rest on. @param now ms since 1970
 */
export class HclogLogger implements Logger {
  readonly #stream: Pick<Writable, 'write'>;
  readonly #now: () => number;

  constructor(stream: Pick<Writable, 'write'>, now: () => number) {
    this.#stream = stream;
    this.#now = now;
  }

  log(level: LogLevel, message: string, fields: LogFields = {}): void {
    const timestamp = new Date(this.#now()).toISOString().replace('Z', '000Z');
    this.#stream.write(
      `${JSON.stringify({ '@level': level, '@message': message, '@timestamp': timestamp, ...fields })}\n`,
    );
  }
}

/** grpc-js writes plain lines by itself; go-plugin wants all in one form. */
export function takeGrpcLog(logger: Logger): void {
  const write =
    (level: LogLevel) =>
    (...words: unknown[]): void => {
      logger.log(level, words.map(String).join(' '), { of: 'grpc' });
    };
  setLogger({ debug: write('debug'), info: write('info'), error: write('warn') });
}
