import { eventually, newRouterName } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import {
  connect,
  isMgmError,
  ProtocolId,
  type Holder,
  type Mfe,
  type Session,
} from '../src/mod.ts';
import { ForwarderAgent } from '../src/forwarder/mod.ts';
import { clientStage } from './stage.ts';

const stage = clientStage();

describe('the example of the README', () => {
  it('runs', async () => {
    const router = newRouterName();
    const forwarded: string[] = [];
    const forward = (epoch: string, signal: AbortSignal): void => {
      if (!signal.aborted) forwarded.push(epoch);
    };
    const yieldTo = (_holder: Holder | undefined): void => {};

    // example {
    await using mgm = await connect({ servers: stage.servers.nats.url, router });
    await using session = await mgm.registerProtocol({
      protocolId: ProtocolId.PIM,
      componentId: 1,
      name: 'pim-1',
      onOwnershipLost: ({ ifIndex, cause }) => console.warn(`lost ${ifIndex}: ${cause}`),
    });
    try {
      await using ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
      forward(ownership.epoch, ownership.signal); // stops when the signal fires
    } catch (error) {
      if (!isMgmError(error, 'already-owned')) throw error;
      yieldTo(error.holder);
    }
    // }

    expect(forwarded).toHaveLength(1);
  });
});

describe('the example of memberships in docs/client.md', () => {
  it('runs', async () => {
    const router = newRouterName();
    const wanted = new Map<string, boolean>();
    const startPulling = (entry: string): void => void wanted.set(entry, true);
    const stopPulling = (entry: string): void => void wanted.set(entry, false);
    await using mgm = await connect({ servers: stage.servers.nats.url, router });

    // example {
    const enumerate = async (session: Session): Promise<void> => {
      for await (const { group, source, others, notified } of session.groupEnumeration()) {
        if (notified ?? others) startPulling(`${source},${group}`);
      }
    };
    const pim: Session = await mgm.registerProtocol({
      protocolId: ProtocolId.PIM,
      componentId: 1,
      onJoinAlert: ({ group, source }) => startPulling(`${source},${group}`),
      onPruneAlert: ({ group, source }) => stopPulling(`${source},${group}`),
      onLocalJoin: ({ group, ifIndex }) => console.info(`receivers of ${group} on ${ifIndex}`),
      onResync: () => enumerate(pim),
    });
    await enumerate(pim);
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await pim.addGroupMembershipEntry({ ifIndex: 7, group: '239.1.2.3' });
    // }

    const other = await mgm.registerProtocol({ protocolId: ProtocolId.DVMRP, componentId: 1 });
    await other.takeInterfaceOwnership({ ifIndex: 8 });
    await other.addGroupMembershipEntry({ ifIndex: 8, group: '239.4.5.6' });
    await eventually(() => expect([...wanted]).toEqual([[',239.4.5.6', true]]), {
      withinMs: 30_000,
    });
  });
});

describe('the example of routes in docs/client.md', () => {
  it('runs', async () => {
    const router = newRouterName();
    await using mgm = await connect({ servers: stage.servers.nats.url, router });
    await using pim = await mgm.registerProtocol({ protocolId: ProtocolId.PIM, componentId: 1 });

    // example {
    const [result] = await pim.setRoutes([
      { network: '10.0.0.0', length: 8, ifIndex: 7, neighbour: '10.7.0.1' },
    ]);
    if (result?.kind === 'failed') throw result.error;
    const { ifIndex, owner } = await mgm.resolveRoute('10.1.2.3');
    for await (const { network, length, best } of mgm.routes({ session: pim.id })) {
      console.info(`${network}/${length}`, best ? 'best' : '');
    }
    await pim.deleteRoutes([{ network: '10.0.0.0', length: 8 }]);
    // }

    expect([ifIndex, owner]).toEqual([7, undefined]);
    expect(await Array.fromAsync(mgm.routes())).toEqual([]);
  });
});

describe('the example of filters in docs/client.md', () => {
  it('runs', async () => {
    const router = newRouterName();
    await using mgm = await connect({ servers: stage.servers.nats.url, router });
    await using pim = await mgm.registerProtocol({ protocolId: ProtocolId.PIM, componentId: 1 });
    await using igmp = await mgm.registerProtocol({ protocolId: ProtocolId.IGMP, componentId: 0 });
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await igmp.takeInterfaceOwnership({ ifIndex: 7 });

    // example {
    const group = '239.1.2.3';
    await igmp.setGroupFilter({ ifIndex: 7, group, mode: 'exclude', sources: ['10.0.0.9'] });
    await pim.setInterface({ ifIndex: 7, localMembers: 'advise' });
    // }

    expect((await mgm.events(0)).events.at(-1)).toMatchObject({ localMembers: 'advise' });
  });
});

describe('the example of a forwarder in docs/client.md', () => {
  it('runs', async () => {
    const router = newRouterName();
    await using mgm = await connect({ servers: stage.servers.nats.url, router });
    const table = new Map<string, Mfe>();
    const keyOf = ({ group, source }: Mfe): string => `${source},${group}`;

    // example {
    await using agent = await ForwarderAgent.start(mgm, {
      protocolId: 900,
      componentId: 1,
      name: 'line-card-1',
      plane: {
        set: (mfe) => void table.set(keyOf(mfe), mfe), // replaces the whole entry; without oifs its packets are dropped
        delete: (mfe) => void table.delete(keyOf(mfe)),
        flush: () => table.clear(),
      },
    });
    const known = agent.newFlow({ group: '239.1.1.1', source: '10.0.0.1', ifIndex: 1 });
    // }

    expect(known).toBe(undefined);
    await eventually(() => expect([...table.keys()]).toEqual(['10.0.0.1,239.1.1.1']), {
      withinMs: 30_000,
    });
  });
});
