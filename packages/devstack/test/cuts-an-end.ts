import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { startTcpProxy } from '@mgm/devstack';

/** Cuts a connection in the turn in which the proxy passes on its end, closes everything, and ends when nothing is open any more. */
const server = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {}).resume();
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const proxy = await startTcpProxy({ port: (server.address() as AddressInfo).port });
const client = connect({ host: proxy.host, port: proxy.port });
client.on('error', () => {});
await once(client, 'connect');
proxy.latencyMs(200);
client.end();
await delay(100);
// The end becomes due while this process is busy: the next call passes it on.
const busyUntilMono = performance.now() + 200;
while (performance.now() < busyUntilMono);
proxy.latencyMs(0);
proxy.reset();
client.destroy();
await proxy[Symbol.asyncDispose]();
server.close();
