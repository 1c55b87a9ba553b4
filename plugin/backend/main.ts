import { messageOf } from './errors.js';
import { reportTo } from './fault-log.js';
import { HclogLogger, takeGrpcLog } from './host/log.js';
import { handshakeLine, hostEnvironment, refusal } from './host/handshake.js';
import { watchLifetime } from './host/lifetime.js';
import { listen } from './host/listen.js';
import { trustSystem } from './host/system-trust.js';
import { Instances } from './instances.js';
import { Metrics } from './metrics.js';
import { createServer } from './server.js';

/** For replies that are on their way when the process ends; go-plugin kills after 2 s. */
const GOODBYE_MS = 300;

/** Starts as Grafana wants it: nothing is connected before the handshake's line is written. */
async function main(): Promise<void> {
  const logger = new HclogLogger(process.stderr, Date.now);
  takeGrpcLog(logger);
  const metrics = new Metrics();
  const report = reportTo(logger);
  const instances = new Instances(metrics, report, () => performance.now());
  metrics.gauge('instances', () => instances.size);
  let end: (reason: string) => void = () => undefined;
  const server = createServer({ instances, metrics, report, shutdown: () => end('Grafana asked for it') });
  const listening = await listen(server, hostEnvironment(process.env), logger);
  let ending = false;
  end = (reason) => {
    if (ending) return;
    ending = true;
    logger.log('debug', 'The plugin ends.', { reason });
    listening.remove();
    instances.close();
    const leave = (): void => {
      process.exit(0);
    };
    server.tryShutdown(leave);
    setTimeout(leave, GOODBYE_MS);
  };
  watchLifetime(end);
  process.on('exit', () => {
    listening.remove();
  });
  process.stdout.write(handshakeLine(listening.network, listening.address));
  // Not before, as it takes as long as all else at the start; no request is read until this turn has ended.
  try {
    trustSystem();
  } catch (thrown) {
    logger.log('warn', "The system's CAs can't be read: only those that came with the plugin are trusted.", {
      error: messageOf(thrown),
    });
  }
  // Whatever writes to stdout from now on would confuse the host.
  process.stdout.write = () => true;
}

const reason = refusal(process.env);
if (reason === null) {
  main().catch((thrown: unknown) => {
    process.stderr.write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`);
    process.exit(1);
  });
} else {
  process.stderr.write(reason);
  process.exitCode = 1;
}
