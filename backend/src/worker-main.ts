import { parentPort, workerData } from 'node:worker_threads';
import type { FromWorker, ToWorker, WorkerConfig } from './connectors/index.js';
import { ConnectorHub } from './connectors/index.js';
import { ArrivalClock } from './core/index.js';
import { IntakeRequest } from './intake/index.js';

/** The connectors' worker thread: wires the hub and the intake to the messages of the API process. */
function main(port: NonNullable<typeof parentPort>, config: WorkerConfig): void {
  const post = (message: FromWorker, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);
  const clock = new ArrivalClock();
  const hub = new ConnectorHub({
    config,
    clock,
    post: (batch) => post({ type: 'batch', ...batch }, [batch.buffer]),
    status: (connectors) => post({ type: 'status', connectors }),
  });
  const requests = new Map<number, { readonly intake: IntakeRequest; work: Promise<void> }>();

  const intake = ({ request, connector, lines, chunk, last }: Extract<ToWorker, { type: 'intake' }>): void => {
    let entry = requests.get(request);
    if (entry === undefined) {
      const lane = hub.lane('intake');
      const options = { request, connector, lines, lane, sink: hub.intakeSink(), window: hub.window, clock };
      entry = { intake: new IntakeRequest(options), work: Promise.resolve() };
      requests.set(request, entry);
    }
    const current = entry;
    current.work = current.work.then(async () => {
      await current.intake.push(chunk);
      post({ type: 'intakeTaken', request });
      if (!last) return;
      requests.delete(request);
      post({ type: 'intakeDone', request, result: await current.intake.finish() });
    });
  };

  port.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'intake':
        intake(message);
        return;
      case 'intakeAbort':
        requests.get(message.request)?.intake.abort();
        requests.delete(message.request);
        return;
      case 'settled':
        hub.window.settle(message.batch);
        return;
      case 'stop':
        void hub.close().then(() => {
          post({ type: 'stopped' });
          port.close();
        });
        return;
    }
  });
  hub.start();
}

if (parentPort === null) throw new Error('worker-main is the entry of a worker thread.');
main(parentPort, workerData as WorkerConfig);
