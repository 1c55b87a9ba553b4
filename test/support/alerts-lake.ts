import { ArmorlakeError } from '../../backend/src/core/index.js';
import { QueryLake } from './query-lake.js';

/** A lake that holds so many alerts of one node, in turn of hosts h0, h1 and h2, and nothing else. */
export async function openAlertsLake(alerts: number): Promise<QueryLake> {
  const lake = await QueryLake.open();
  await lake.connection.run(
    `INSERT INTO kubearmor.alerts (time, node, seq, host, severity) SELECT TIMESTAMP '2026-01-01' + to_seconds(i), 'n1', i + 1, 'h' || (i % 3), 5 FROM range(${alerts}) r(i)`,
  );
  return lake;
}

/** The code of the error that something ends with; what it gave, when it did not fail. */
export async function codeOf(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    (answer) => `answered ${JSON.stringify(answer)}`,
    (thrown: unknown) => (thrown instanceof ArmorlakeError ? thrown.code : String(thrown)),
  );
}
