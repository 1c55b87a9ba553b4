import { z } from 'zod';
import { formatAddress, parseAddress, parseBytes, parseDuration } from './units.js';

const scalar = z.union([z.string(), z.number(), z.boolean()]);
type Scalar = z.infer<typeof scalar>;

/** A leaf given as YAML value or as text (environment, flags); `expects` completes "must be …". */
function leaf<Value>(expects: string, description: string, parse: (value: Scalar) => Value | undefined) {
  return z
    .unknown()
    .transform((given, context): Value => {
      const value = scalar.safeParse(given);
      const parsed = value.success ? parse(value.data) : undefined;
      if (parsed !== undefined) return parsed;
      context.addIssue({ code: 'custom', message: `must be ${expects}` });
      return z.NEVER;
    })
    .meta({ description, expects });
}

const text = (description: string) =>
  leaf('a text that is not empty', description, (value) => (String(value).trim() === '' ? undefined : String(value)));

const path = (description: string) =>
  leaf('a path', description, (value) => (typeof value === 'string' && value !== '' ? value : undefined));

const choice = <const Options extends readonly string[]>(options: Options, description: string) =>
  leaf(options.map((option) => `"${option}"`).join(' or '), description, (value): Options[number] | undefined =>
    options.find((option) => option === value),
  );

const flag = (description: string) =>
  leaf('true or false', description, (value) => {
    if (value === true || value === 'true' || value === '1') return true;
    return value === false || value === 'false' || value === '0' ? false : undefined;
  });

const duration = (description: string) =>
  leaf('a length of time, as 250ms, 30s, 12h or 7d', description, (value) => positive(parseDuration(String(value))));

const bytes = (description: string, least = 1) =>
  leaf(`a size, as 500MB or 2GiB${least > 1 ? `, of at least ${least} bytes` : ''}`, description, (value) => {
    const parsed = parseBytes(String(value));
    return parsed !== undefined && parsed >= least ? parsed : undefined;
  });

const number = (least: number, most: number, description: string) =>
  leaf(`a whole number from ${least} to ${most}`, description, (value) => {
    const parsed = typeof value === 'string' && value.trim() === '' ? NaN : Number(value);
    return typeof value !== 'boolean' && Number.isInteger(parsed) && parsed >= least && parsed <= most
      ? parsed
      : undefined;
  });

function positive(value: number | undefined): number | undefined {
  return value !== undefined && value > 0 ? value : undefined;
}

const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

const name = (description: string) =>
  leaf(
    '1 to 63 letters, digits, dots, dashes or underscores, with a letter or digit at both ends',
    description,
    (value) => (namePattern.test(String(value)) ? String(value) : undefined),
  );

const address = (description: string) =>
  leaf('HOST:PORT, as 127.0.0.1:32767', description, (value) => {
    const parsed = parseAddress(String(value));
    return parsed === undefined || parsed.port === 0 ? undefined : formatAddress(parsed);
  });

/** `HOST:PORT,HOST:PORT` (environment, flags) as the list the file has. */
const hubs = z
  .preprocess(
    (given) => (typeof given === 'string' ? given.split(',').map((each) => each.trim()) : given),
    z.array(address(''), { error: 'must be a list of HOST:PORT' }),
  )
  .meta({ description: 'The hubs to join; in the environment and as flag HOST:PORT, comma-separated' });

const network = z.strictObject({
  listen: leaf('HOST:PORT, as 0.0.0.0:7471', 'Where other nodes may join', (value) =>
    parseAddress(String(value)),
  ).optional(),
  join: hubs.optional(),
  role: choice(
    ['edge', 'query'],
    'Only `query` may ask the network; default `query` with `network.listen`, else `edge`',
  ).optional(),
  store: flag('Keep events here; default true for the role edge and where a KubeArmor is configured').optional(),
  insecure: flag('Join and be joined beyond loopback without TLS').optional(),
  tokenFile: path('File with a token for hubs without TLS that have tokens').optional(),
  tls: z
    .strictObject({
      ca: path("PEM file with the network's CA"),
      cert: path("PEM file with this node's certificate (`armorlake cert issue`)"),
      key: path('PEM file with its key'),
    })
    .optional(),
});

const clientTls = z.strictObject({
  ca: path("PEM file with KubeArmor's CA (`ca.crt`)"),
  cert: path('PEM file with the client certificate (`client.crt`)'),
  key: path("PEM file with the client certificate's key (`client.key`)"),
  serverName: text("Name to check KubeArmor's certificate against, when that isn't the address").optional(),
});

const kubearmor = z.strictObject({
  name: name(
    "The connector's name, the `connector` of each row; default `kubearmor`, then `kubearmor-2`, …",
  ).optional(),
  address: address('HOST:PORT of KubeArmor or its relay'),
  cluster: text('Cluster of events that name none').optional(),
  tls: clientTls.optional(),
  streams: z
    .array(choice(['alerts', 'logs', 'messages'], ''), { error: 'must be a list of alerts, logs, messages' })
    .min(1, { error: 'must name at least one of alerts, logs, messages' })
    .meta({ description: 'Which of alerts, logs, messages to pull; default alerts and logs' })
    .optional(),
  filters: z
    .strictObject({
      alerts: choice(['all', 'policy'], "KubeArmor's own filter of alerts; default `all`").optional(),
      logs: choice(['all', 'system'], "KubeArmor's own filter of logs; default `all`").optional(),
    })
    .optional(),
});

/** `HOST:PORT,HOST:PORT` (environment, flags) as the list of objects the file has. */
const kubearmorList = z
  .preprocess(
    (given) => (typeof given === 'string' ? given.split(',').map((each) => ({ address: each.trim() })) : given),
    z.array(kubearmor, { error: 'must be a list of KubeArmors, each with an address' }),
  )
  .meta({ description: 'The KubeArmors to pull from; in the environment and as flag HOST:PORT, comma-separated' });

/** `key=value,key=value` (environment, flags) as the mapping the file has. */
const labels = z
  .preprocess(
    (given) => {
      if (typeof given !== 'string') return given;
      return Object.fromEntries(
        given.split(',').map((pair): [string, string] => {
          const at = pair.indexOf('=');
          return at < 0 ? [pair.trim(), ''] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
        }),
      );
    },
    z.record(z.string().min(1), z.coerce.string(), { error: 'must be a mapping of label to value' }),
  )
  .meta({ description: "The node's labels; in the environment `key=value,key=value`" });

const retentionGroup = (what: string) =>
  z.strictObject({
    age: duration(`How long ${what} are kept, counted from their arrival`).optional(),
    bytes: bytes(`Most bytes of ${what}; default: their share of the total, when that is exceeded`).optional(),
  });

/** The one schema of file, environment and flags. All is optional: defaults come from the profile. */
export const configSchema = z.strictObject({
  profile: choice(['edge', 'server'], 'Sets every limit at once').optional(),
  name: name("The node's name, unique in a network; default: the host name").optional(),
  cluster: text('The cluster this node speaks for').optional(),
  labels: labels.optional(),
  data: path('Data folder').optional(),
  log: z
    .strictObject({
      level: choice(
        ['debug', 'info', 'warn', 'error', 'silent'],
        'Least level that is logged (JSON lines on stderr)',
      ).optional(),
    })
    .optional(),
  http: z
    .strictObject({
      host: text('Address to listen on').optional(),
      port: number(0, 65_535, 'Port to listen on; 0 takes a free one').optional(),
      insecure: flag('Listen beyond loopback without TLS or without tokens').optional(),
      tls: z
        .strictObject({
          cert: path("PEM file with the listener's certificate chain"),
          key: path("PEM file with the certificate's key"),
        })
        .optional(),
    })
    .optional(),
  network: network.optional(),
  kubearmor: kubearmorList.optional(),
  redaction: z
    .strictObject({
      enabled: flag('Replace secrets in command lines by a keyed hash before they are stored').optional(),
    })
    .optional(),
  retention: z
    .strictObject({
      logs: retentionGroup('logs and messages').optional(),
      alerts: retentionGroup('alerts').optional(),
      ledger: retentionGroup('ledger, gaps, dead letters and queries').optional(),
      total: bytes('Most bytes of the lake in all; default the smaller of 2 GiB and 10 % of the disk').optional(),
      free: bytes('Always left free on the disk').optional(),
    })
    .optional(),
  archive: z
    .strictObject({
      dir: path('Folder of Parquet files that rows go to before retention removes them; unset: no archive'),
      age: duration('Archive files older than this are removed; unset: never by age').optional(),
      bytes: bytes('The oldest archive files are removed above this; unset: never by size').optional(),
    })
    .optional(),
  limits: z
    .strictObject({
      ingest: z
        .strictObject({
          logsCommit: duration('Logs are committed at least this often').optional(),
          alertsCommit: duration('Alerts are committed at least this often').optional(),
          queue: bytes(
            'Packed events that wait for the engine; above it logs are dropped before alerts',
            1 << 20,
          ).optional(),
          body: bytes('Most bytes of one POST to an intake', 1 << 16).optional(),
        })
        .optional(),
      engine: z
        .strictObject({
          memory: bytes("DuckDB's memory_limit", 32 << 20).optional(),
          data: bytes("The engine process's data segment (`ulimit -d`), above `memory`", 64 << 20).optional(),
          threads: number(1, 256, "DuckDB's threads").optional(),
          spill: bytes('Temporary files of large sorts and joins; 0: never spill', 0).optional(),
          checkpoint: bytes('Checkpoint when the WAL is as large', 1 << 20).optional(),
          maintain: duration('Retention, archive and compaction run so often').optional(),
        })
        .optional(),
      query: z
        .strictObject({
          concurrency: number(1, 64, 'Queries that run at once').optional(),
          waiting: number(0, 10_000, 'Queries that may wait; one more is refused as BUSY').optional(),
          rows: number(1, 1_000_000, 'Rows of an answer, when the caller says nothing').optional(),
          maxRows: number(1, 10_000_000, 'Rows of an answer, at most').optional(),
          bytes: bytes('Bytes of an answer, when the caller says nothing').optional(),
          maxBytes: bytes('Bytes of an answer, at most').optional(),
          timeout: duration('Time of a query, when the caller says nothing').optional(),
          maxTimeout: duration('Time of a query, at most').optional(),
        })
        .optional(),
    })
    .optional(),
});

/** What file, environment and flags say together. */
export type ConfigInput = z.infer<typeof configSchema>;
