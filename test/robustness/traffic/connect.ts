import { connect, isMgmError, type Mgm } from '@mgm/client';
import type { WorkerSetup } from './worker-setup.ts';

/** Long enough that most calls outlast a fault, short enough that some end as unknown. */
const DEADLINE_MS = 4_000;
const TIMEOUT_MS = 700;
/** How long a worker tries to connect: longer than every fault. */
const CONNECT_WITHIN_MS = 60_000;

/**
 * Connects a worker on the client library. NATS may be unreachable for longer than `deadlineMs`, because a fault began before
 * the worker had connected.
 */
export async function connectWorker({ servers, router, name }: WorkerSetup): Promise<Mgm> {
  const options = {
    ...{ servers, router, name, timeoutMs: TIMEOUT_MS, deadlineMs: DEADLINE_MS },
    natsOptions: {
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      maxPingOut: 2,
      pingInterval: 2_000,
    },
  };
  const endMono = performance.now() + CONNECT_WITHIN_MS;
  for (;;) {
    try {
      return await connect(options);
    } catch (error) {
      if (!isMgmError(error, 'unavailable') || performance.now() >= endMono) throw error;
    }
  }
}
