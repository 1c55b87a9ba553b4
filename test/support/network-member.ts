import { grpcWiring, TestNetwork, hang } from './network.js';

// A member in a process of its own, to be frozen by a test: its hub's port is the only argument.
const net = new TestNetwork(grpcWiring());
const { runner } = await net.edge('frozen', [{ host: '127.0.0.1', port: Number(process.argv[2]) }]);
const answer = runner.work;
runner.work = (emit, request, signal) => (request.queryId === 'hang' ? hang(signal) : answer(emit, request, signal));
process.on('message', () => undefined);
