import { connect, type Mgm, ProtocolId } from '@mgm/client';
import { connect as connectNats } from '@mgm/nats';
import { eventually } from '@mgm/test-support';
import { machineMonoMs } from '../../faults/worker-talk.ts';
import { unpack } from '../../support/raw-codec.ts';
import type { Callback } from '../../support/raw-operations.ts';
import { directUrls } from '../direct.ts';
import type { WorkerSlot } from '../traffic/worker-slot.ts';
import type { Fault } from './fault.ts';
import type { Targets } from './targets.ts';

/** Clients that change memberships at the same time, each on an interface of its own that no worker uses. */
const CLIENTS = 8;
const FIRST_INTERFACE = 9_000;
const FIRST_COMPONENT = 900;
const BULK = 256;
/** Far above the time on a quiet machine, and below the limit of the step. */
const OVERFLOWS_WITHIN_MS = 60_000;
/** A worker that loses its session before it handles the RESYNC loses that, too. */
const ATTEMPTS = 3;
const DEADLINE_MS = 30_000;
const HANDLED_WITHIN_MS = 30_000;

/**
 * More alerts than a mailbox keeps: a worker handles no callbacks while other clients add and delete groups, so that it gets
 * a RESYNC and has to list again (membership contract, section 5.6).
 */
export function mailboxOverflow({ servers, workers }: Targets): Fault[] {
  const alerted = workers.filter(({ plan }) => plan.kind === 'raw' && plan.memberships);
  if (alerted.length === 0) return [];
  return [
    {
      name: 'mailbox-overflow',
      inject: async (chance) => {
        const worker = chance.one(alerted);
        const fromMono = machineMonoMs();
        let isSent = await overflow(servers, worker);
        return {
          what: worker.name,
          heal: async () => {
            await listen(worker, isSent);
            for (let attempt = 2; attempt <= ATTEMPTS; attempt++) {
              if (hasOverflowed(worker, fromMono)) return;
              isSent = await overflow(servers, worker);
              await listen(worker, isSent);
            }
          },
          bit: () => hasOverflowed(worker, fromMono),
        };
      },
    },
  ];
}

/** Lets the worker handle its callbacks, and resolves when it has handled a RESYNC that was sent, or lost it. */
async function listen(worker: WorkerSlot, isSent: boolean): Promise<void> {
  const fromMono = machineMonoMs();
  worker.deafen(false);
  if (isSent) await untilListed(worker, fromMono);
}

/**
 * Lets the worker handle no callbacks, and makes alerts until the managers send a RESYNC to its session: to the next one, if it
 * loses its session and with it the mailbox. Resolves to whether they did.
 */
async function overflow(servers: Targets['servers'], worker: WorkerSlot): Promise<boolean> {
  worker.deafen(true);
  const { router } = worker.plan;
  const options = { servers: directUrls(servers.nats), router, deadlineMs: DEADLINE_MS };
  const nats = await connectNats({ servers: options.servers });
  try {
    await using mgm = await connect(options);
    const resync = new AbortController();
    nats.subscribe(`mgm.v1.${router}.callback.*`, {
      callback: (_, { subject, data }) => {
        if ((unpack(data) as Callback).type !== 'RESYNC') return;
        if (Number(subject.split('.').at(-1)) === sessionOf(worker)) resync.abort();
      },
    });
    await nats.flush();
    const signal = AbortSignal.any([resync.signal, AbortSignal.timeout(OVERFLOWS_WITHIN_MS)]);
    // The others go on without one that fails.
    await Promise.allSettled(Array.from({ length: CLIENTS }, (_, at) => flood(mgm, at, signal)));
    return resync.signal.aborted;
  } finally {
    await nats.close();
  }
}

/** Adds and deletes groups until the signal. */
async function flood(mgm: Mgm, at: number, signal: AbortSignal): Promise<void> {
  const client = { protocolId: ProtocolId.DVMRP, componentId: FIRST_COMPONENT + at };
  const session = await mgm.registerProtocol({ ...client, takeover: true });
  const ifIndex = FIRST_INTERFACE + at;
  await session.takeInterfaceOwnership({ ifIndex });
  const refs = Array.from({ length: BULK }, (_, group) => ({
    ifIndex,
    group: `239.9.${at}.${group}`,
  }));
  try {
    while (!signal.aborted) {
      await session.addGroupMembershipEntries(refs);
      await session.deleteGroupMembershipEntries(refs);
    }
  } finally {
    await session.deregister({ force: true });
  }
}

/** The last session in its history. */
function sessionOf(worker: WorkerSlot): number | undefined {
  const begun = entriesSince(worker, 0).findLast(
    (entry) => entry.kind === 'returned' && entry.told === 'registered',
  );
  return begun?.kind === 'returned' && begun.told === 'registered' ? begun.session : undefined;
}

/** Waits until the worker has listed what others want after its RESYNC; or has another session, with a new mailbox. */
async function untilListed(worker: WorkerSlot, fromMono: number): Promise<void> {
  await eventually(
    () => {
      const kinds = kindsSince(worker, fromMono);
      if (!kinds.includes('groups') && !kinds.includes('over')) {
        throw new Error(`${worker.name} has not listed groups since its mailbox overflowed`);
      }
    },
    { withinMs: HANDLED_WITHIN_MS, everyMs: 50 },
  );
}

function hasOverflowed(worker: WorkerSlot, fromMono: number): boolean {
  const since = entriesSince(worker, fromMono);
  return since.some((entry) => entry.kind === 'alert' && entry.type === 'RESYNC');
}

function kindsSince(worker: WorkerSlot, fromMono: number): string[] {
  return entriesSince(worker, fromMono).map(({ kind }) => kind);
}

function entriesSince(worker: WorkerSlot, fromMono: number) {
  const file = worker.histories.at(-1)?.file;
  file?.readOn();
  return (file?.entries ?? []).filter(({ mono }) => mono >= fromMono);
}
