import { setTimeout as pause } from 'node:timers/promises';
import { newRouterName, startManagers, startServers } from '@mgm/test-support';
import { expect, it } from 'vitest';
import { connect, isMgmError, type Session } from '../src/mod.ts';
import { pim } from './stage.ts';

/** Longer than two of the default leases of 10 s. */
const HUNG_MS = 21_000;
const SESSIONS = 12;

/** Takes, reads and releases one interface until the signal fires. Returns the errors and the number of calls. */
async function work(
  session: Session,
  read: (ifIndex: number) => Promise<unknown>,
  ifIndex: number,
  signal: AbortSignal,
) {
  const errors: string[] = [];
  let calls = 0;
  const call = async (what: string, made: Promise<unknown>): Promise<void> => {
    calls++;
    await made.catch((error: unknown) =>
      errors.push(`${what}: ${isMgmError(error) ? error.message : String(error)}`),
    );
  };
  while (!signal.aborted) {
    await call('take', session.takeInterfaceOwnership({ ifIndex }));
    await call('owner', read(ifIndex));
    await call('release', session.releaseInterfaceOwnership({ ifIndex }));
    await pause(200);
  }
  return { errors, calls };
}

it.concurrent(
  'one of two managers hangs for longer than a lease: no session is lost and no call fails',
  async () => {
    await using servers = await startServers();
    await using managers = await startManagers(2, servers);
    const router = newRouterName();
    await using scope = new AsyncDisposableStack();
    const lost: string[] = [];
    const workers = [];
    for (let at = 1; at <= SESSIONS; at++) {
      const mgm = scope.use(await connect({ servers: servers.nats.url, router }));
      const session = await mgm.registerProtocol(pim({ name: `pim-${at}` }));
      session.on('lost', ({ cause }) => void lost.push(`pim-${at}: ${cause}`));
      workers.push({ session, read: (ifIndex: number) => mgm.getProtocolOnInterface({ ifIndex }) });
    }
    const over = AbortSignal.timeout(HUNG_MS);
    managers.running[0]?.pause();
    const results = await Promise.all(
      workers.map(({ session, read }, at) => work(session, read, at + 1, over)),
    );
    managers.running[0]?.resume();
    expect(lost).toEqual([]);
    expect(results.flatMap(({ errors }) => errors)).toEqual([]);
    for (const { calls } of results) expect(calls).toBeGreaterThan(10);
    for (const { session } of workers) expect(session.state).toBe('live');
  },
);

it.concurrent(
  'one of two managers hangs: operators release and evict, and no action is lost or done twice',
  async () => {
    await using servers = await startServers();
    await using managers = await startManagers(2, servers);
    const router = newRouterName();
    await using mgm = await connect({ servers: servers.nats.url, router });
    const admin = { actor: 'ops', why: 'a manager hangs' };
    const sessions = [];
    for (let at = 1; at <= 8; at++) {
      const session = await mgm.registerProtocol(pim({ name: `pim-${at}`, ttlMs: 60_000 }));
      const { epoch } = await session.takeInterfaceOwnership({ ifIndex: at });
      sessions.push({ session, ifIndex: at, epoch });
    }
    managers.running[0]?.pause();
    for (const { session, ifIndex, epoch } of sessions) {
      const previous = await mgm.adminRelease({ ifIndex, epoch, ...admin });
      expect(previous.session).toBe(session.id);
      expect(await mgm.adminEvict({ session: session.id, ...admin })).toBe(0);
    }
    managers.running[0]?.resume();
    const { events } = await mgm.adminEvents(0);
    expect(events.filter(({ type }) => type === 'released')).toHaveLength(sessions.length);
    expect(events.filter(({ type }) => type === 'evicted')).toHaveLength(sessions.length);
  },
);
