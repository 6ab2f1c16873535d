import { connect, type Mgm, ProtocolId } from '@mgm/client';
import { eventually } from '@mgm/test-support';
import { machineMonoMs } from '../../faults/worker-talk.ts';
import { directUrls } from '../direct.ts';
import type { WorkerSlot } from '../traffic/worker-slot.ts';
import type { Fault } from './fault.ts';
import type { Targets } from './targets.ts';

/** Clients that change memberships at the same time, each on an interface of its own that no worker uses. */
const CLIENTS = 8;
const FIRST_INTERFACE = 9_000;
const FIRST_COMPONENT = 900;
const BULK = 256;
/** A mailbox keeps 65 536 alert items: each pair of requests makes twice a bulk of them. */
const PAIRS_EACH = Math.ceil((65_536 + BULK) / (2 * BULK * CLIENTS));
/** The worker may lose its session, and with it the mailbox. */
const ATTEMPTS = 5;
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
        worker.deafen(true);
        const fromMono = await overflow(servers, worker);
        return {
          what: worker.name,
          heal: async () => {
            worker.deafen(false);
            await untilListed(worker, fromMono);
          },
          bit: () => hasOverflowed(worker, fromMono),
        };
      },
    },
  ];
}

/** Resolves to the time since which the worker has had one session. */
async function overflow(servers: Targets['servers'], worker: WorkerSlot): Promise<number> {
  const { router } = worker.plan;
  const options = { servers: directUrls(servers.nats), router, deadlineMs: DEADLINE_MS };
  await using mgm = await connect(options);
  for (let attempt = 1; ; attempt++) {
    const fromMono = machineMonoMs();
    // One that fails, on a busy machine, leaves too few alerts: then the fault had no effect.
    await Promise.allSettled(Array.from({ length: CLIENTS }, (_, at) => flood(mgm, at)));
    if (attempt === ATTEMPTS || !kindsSince(worker, fromMono).includes('over')) return fromMono;
  }
}

async function flood(mgm: Mgm, at: number): Promise<void> {
  const client = { protocolId: ProtocolId.DVMRP, componentId: FIRST_COMPONENT + at };
  const session = await mgm.registerProtocol({ ...client, takeover: true });
  const ifIndex = FIRST_INTERFACE + at;
  await session.takeInterfaceOwnership({ ifIndex });
  const refs = Array.from({ length: BULK }, (_, group) => ({
    ifIndex,
    group: `239.9.${at}.${group}`,
  }));
  for (let pair = 0; pair < PAIRS_EACH; pair++) {
    await session.addGroupMembershipEntries(refs);
    await session.deleteGroupMembershipEntries(refs);
  }
  await session.deregister({ force: true });
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
