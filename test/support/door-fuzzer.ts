import { Random } from './random.js';

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly Json[];
  readonly additionalProperties?: Schema | boolean;
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

export interface FuzzedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

const numbers = [0, -1, 1, 0.5, -0, 1e20, -1e20, 1e300, 2 ** 31, 2 ** 32, 2 ** 53, 2 ** 63, 5e-324, 1e9, 1e308, -1e308];
const texts = [
  '', ' ', '\0', 'a\0b', '\ud800', '\udfff\ud800', '\u202e', '%', '%zz', "'", '"', "' OR 1=1 --", '{', '[', '(', ')', '*', '\\',
  '(?=x)', '(?<n>x)(?P=n)', 'x{1001}', '(a*)*b', '[[:nope:]]', '\\C', '$1', '?', 'NaN', 'Infinity', '-5', '1e308', '99999999999999999999', '=',
  'a=', '=b', '==', '__proto__', 'constructor', 'toString', 'null', 'true', '/etc/passwd', '../../x', 'kubearmor.alerts', 'kubearmor.nope', 'armorlake.ledger',
  'logs', 'events', 'messages', 'SELECT 1', 'SELECT $1', 'SELECT $a', 'SELECT', ';', 'SELECT 1; SELECT 2', 'seq > 0', 'severity > 1', 'nope > 1', 'true', '1',
  "'x'", 'seq = $1', 'seq = $n', 'time > $1', "source = 'a\0'", 'x'.repeat(70_000), '['.repeat(5_000), '('.repeat(3_000), '1+'.repeat(3_000) + '1', '2026-01-01', '+275760-09-13T00:00:00Z', '-271821-04-20', '2026-02-30T25:61:61Z',
]; // prettier-ignore

/** Such as are answered when all else is right. */
const statements = [
  'SELECT 1',
  'SELECT count(*) FROM kubearmor.logs',
  'SELECT * FROM kubearmor.events ORDER BY seq',
  'SELECT $1',
  'SELECT $a, ?',
  'SELECT source FROM kubearmor.logs WHERE seq = $1',
  'SELECT * FROM kubearmor.alerts WHERE regexp_matches(source, $1)',
  'SELECT time FROM kubearmor.logs WHERE time > $1',
];

/** Requests at every route of the document, of odd and wrong values; the same seed gives the same ones. */
export class DoorFuzzer {
  readonly #random: Random;
  readonly #routes: readonly { readonly path: string; readonly method: string; readonly operation: Operation }[];

  constructor(document: OpenApi, seed: number) {
    this.#random = new Random(seed);
    this.#routes = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    );
  }

  next(): FuzzedRequest {
    const random = this.#random;
    const { path, method, operation } = random.pick(this.#routes);
    const query = (operation.parameters ?? []).filter((each) => each.in === 'query');
    const chosen = query.length === 0 ? [] : random.some(query, 0, 3);
    const search = chosen.flatMap(({ name, schema }) =>
      Array.from(
        { length: random.chance(0.1) ? 2 : 1 },
        () => `${name}=${this.#escaped(this.#text(this.#value(schema, 0)))}`,
      ),
    );
    if (random.chance(0.05))
      search.push(random.pick(['%', 'a=%zz', '__proto__=1', 'table[]=x', 'table[a]=x', '=', '&&', 'severity=NaN']));
    const url = `${path.replace('{name}', () => this.#escaped(this.#text(this.#odd())).slice(0, 300))}${search.length > 0 ? '?' : ''}${search.join('&')}`;
    const headers: Record<string, string> = { host: '127.0.0.1' };
    if (path === '/api/v1/tail' && random.chance(0.7)) headers['last-event-id'] = this.#position();
    if (random.chance(0.2))
      headers['accept'] = random.pick(['*/*', 'application/vnd.apache.arrow.stream', 'text/html', 'nope']);
    const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
    if (type === undefined || content === undefined) {
      if (method === 'POST')
        headers['content-type'] = random.pick([
          'application/json',
          'application/x-ndjson',
          'a/b',
          'multipart/form-data',
          '',
        ]);
      if (method === 'POST' && random.chance(0.3))
        headers['content-encoding'] = random.pick(['gzip', 'br', 'x', 'gzip, gzip', 'identity']);
      return { method, url, headers, body: method === 'POST' ? this.#text(this.#odd()) : null };
    }
    headers['content-type'] = random.chance(0.95)
      ? type
      : random.pick(['text/plain', 'application/xml', 'x', 'application/json; charset=utf-16']);
    return { method, url, headers, body: this.#body(content.schema) };
  }

  #body(schema: Schema): string {
    const random = this.#random;
    const text = JSON.stringify(random.chance(0.9) ? this.#value(schema, 0) : this.#odd());
    if (random.chance(0.05)) return text.slice(0, random.integer(text.length + 1));
    if (random.chance(0.05)) return text.replace('{', '{"sql":1,"__proto__":{"a":1},');
    // Numbers that JSON can say and JavaScript can't hold.
    return random.chance(0.1)
      ? text.replace(/\d+/, random.pick(['1e999', '-1e999', '1' + '0'.repeat(400), '0.1e-999']))
      : text;
  }

  #position(): string {
    return this.#random.pick([
      '',
      '{}',
      '{"n1":0}',
      '{"n1":1e308}',
      '{"n1":9007199254740993}',
      '{"n1":-1}',
      '{"n1":null}',
      '{"__proto__":1}',
      '[1]',
      '42',
      'NaN',
      '{"n1":1e999}',
      '{"n1":"x"}',
      '{',
      '{"n1":4294967296}',
    ]);
  }

  /** A value that fits mostly. */
  #value(schema: Schema, depth: number): Json {
    const random = this.#random;
    if (random.chance(depth === 0 ? 0.02 : 0.12)) return this.#odd();
    if (schema.enum !== undefined) return random.pick(schema.enum);
    if (schema.anyOf !== undefined) return this.#value(random.pick(schema.anyOf), depth + 1);
    switch (String(Array.isArray(schema.type) ? random.pick(schema.type as readonly string[]) : schema.type)) {
      case 'object': {
        const known = Object.entries(schema.properties ?? {}).filter(() => random.chance(depth === 0 ? 0.25 : 0.7));
        const own = known.map(([name, each]) => [name, this.#value(each, depth + 1)] as const);
        const more = typeof schema.additionalProperties === 'object' ? schema.additionalProperties : null;
        if (more !== null) own.push([random.pick(texts).slice(0, 50), this.#value(more, depth + 1)]);
        // As own properties, as JSON.parse makes them.
        return Object.fromEntries(
          depth === 0 && schema.properties?.['sql']
            ? [['sql', random.pick(random.chance(0.6) ? statements : texts)], ...own]
            : own,
        );
      }
      case 'array':
        return Array.from({ length: random.integer(4) }, () => this.#value(schema.items ?? {}, depth + 1));
      case 'number':
      case 'integer':
        return random.pick(numbers);
      case 'boolean':
        return random.chance(0.5);
      case 'null':
        return null;
      default:
        return random.pick(texts);
    }
  }

  #odd(): Json {
    const random = this.#random;
    return random.pick<Json>([
      null,
      true,
      random.pick(numbers),
      random.pick(texts),
      [],
      [[]],
      {},
      { a: { b: {} } },
      [null, random.pick(texts)],
    ]);
  }

  #text(value: Json): string {
    return typeof value === 'string' ? value : JSON.stringify(value);
  }

  /** For a URL; lone surrogates have no UTF-8. */
  #escaped(text: string): string {
    const short = text.slice(0, 4000);
    return this.#random.chance(0.05)
      ? short.replaceAll(/[^\x21-\x7e]/g, '').replaceAll(/[#?]/g, '')
      : encodeURIComponent(short.replaceAll(/[\ud800-\udfff]/g, '\ufffd'));
  }
}
