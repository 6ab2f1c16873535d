import { once } from 'node:events';
import { connect } from 'node:net';
import type { RunningServer } from '@mgm/devstack';
import { eventually } from '@mgm/test-support';

const SILENT_FOR_MS = 50;

/** Stops a server's clock. Resolves when it really says nothing any more, which is a moment after the signal. */
export async function hang(server: RunningServer): Promise<void> {
  await server.pause();
  await eventually(() => expectSilence(server), { withinMs: 5_000 });
}

/** NATS speaks first, Redis answers a PING: whoever does neither hangs. */
async function expectSilence({ host, port }: RunningServer): Promise<void> {
  const socket = connect({ host, port });
  try {
    socket.write('PING\r\n');
    await once(socket, 'data', { signal: AbortSignal.timeout(SILENT_FOR_MS) });
  } catch {
    return;
  } finally {
    socket.destroy();
  }
  throw new Error(`${host}:${port} still answers`);
}
