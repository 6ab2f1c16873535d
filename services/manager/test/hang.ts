import { once } from 'node:events';
import { connect } from 'node:net';
import type { RunningServer } from '@mgm/devstack';
import { eventually } from '@mgm/test-support';

const SILENT_FOR_MS = 50;

/** Stops a server. Resolves when it has stopped replying, which is shortly after the signal. */
export async function hang(server: RunningServer): Promise<void> {
  await server.pause();
  await eventually(() => expectSilence(server), { withinMs: 30_000 });
}

/** NATS sends first, Redis replies to a PING: a server that does neither hangs. */
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
