/** Where an example sends to: nothing leaves this host before somebody writes another address. */
const receiver = 'http://127.0.0.1:9095';

function webhook(name: string, path: string) {
  return {
    orgId: 1,
    name,
    receivers: [
      {
        uid: `${name}-webhook`,
        type: 'webhook',
        settings: { url: `${receiver}/${path}`, httpMethod: 'POST', maxAlerts: '50' },
        disableResolveMessage: false,
      },
    ],
  };
}

export const contactPoints = {
  apiVersion: 1,
  contactPoints: [webhook('armorlake-security', 'security'), webhook('armorlake-operations', 'operations')],
};

const operations = 'armorlake-operations';

/** Two readers: what happened in workloads, and whether the nodes can say so. */
export const policies = {
  apiVersion: 1,
  policies: [
    {
      orgId: 1,
      receiver: 'armorlake-security',
      group_by: ['grafana_folder', 'alertname'],
      group_wait: '30s',
      group_interval: '5m',
      repeat_interval: '12h',
      routes: [
        { receiver: operations, object_matchers: [['alertname', '=~', 'DatasourceError|DatasourceNoData']] },
        { receiver: operations, object_matchers: [['concern', '=', 'node']], group_by: ['alertname', 'node'] },
        {
          receiver: 'armorlake-security',
          object_matchers: [
            ['concern', '=', 'workload'],
            ['severity', '=', 'critical'],
          ],
          group_by: ['cluster', 'namespace', 'workload'],
          group_wait: '0s',
          repeat_interval: '1h',
        },
        {
          receiver: 'armorlake-security',
          object_matchers: [['concern', '=', 'workload']],
          group_by: ['cluster', 'namespace', 'workload'],
        },
      ],
    },
  ],
};
