import { type AddressInfo, createServer } from 'node:net';

/** Listens with a backlog of one, reports its port, and then blocks for good: nothing is accepted. */
const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  const { port } = server.address() as AddressInfo;
  process.send?.(port, () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
});
