import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { TestNetwork, TestSink, alive, ask, grpcWiring, until } from './support/network.js';

it.skipIf(process.platform === 'win32')(
  'a node whose process is frozen is failed by name 2 s later, and asked again when it wakes',
  async () => {
    const net = new TestNetwork(grpcWiring());
    const hub = await net.hub('q1', { lease: { silenceMs: 2_000, mostMs: 15_000 } });
    const other = await net.edge('other', [hub.address]);
    const script = fileURLToPath(new URL('./support/network-member.ts', import.meta.url));
    const member = spawn(process.execPath, ['--import', 'tsx', script, String(hub.address.port)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    try {
      await until(() => alive(hub, 'frozen') && alive(hub, 'other'), 'both nodes', 60_000);
      const sink = new TestSink();
      const asked = ask(hub, ['frozen', 'other'], { queryId: 'hang' }, sink);
      await until(() => sink.outcomes.has('other'));
      member.kill('SIGSTOP');
      await asked;
      expect(sink.error('frozen')).toMatch(/^NOT_READY frozen: Node frozen has been silent for/);
      expect(other.runner.requests).toHaveLength(1);
      member.kill('SIGCONT');
      await until(() => alive(hub, 'frozen'), 'the node to wake');
      expect((await ask(hub, ['frozen'])).chunks).toMatchObject([{ text: 'frozen f0' }]);
    } finally {
      member.kill('SIGKILL');
      await net.close();
    }
  },
);
