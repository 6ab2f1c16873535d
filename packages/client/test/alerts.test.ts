import { eventually, newRouterName } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import type { AlertItem, Mgm, ProtocolOptions, Resync, SessionEvents } from '../src/mod.ts';
import { clientStage, igmp, pim } from './stage.ts';

const stage = clientStage();
const MS = { withinMs: 30_000 };
const G1 = '239.0.0.1';
const G2 = '239.0.0.2';

const shown = ({ type, group }: AlertItem) => `${type} ${group}`;

/** Handlers for all alerts, which record them. */
function recording() {
  const items: AlertItem[] = [];
  const note = (item: AlertItem): void => void items.push(item);
  const handlers = { onJoinAlert: note, onPruneAlert: note, onLocalJoin: note, onLocalLeave: note };
  return { items, handlers, seen: () => items.map(shown) };
}

function groups(count: number): string[] {
  return Array.from(
    { length: count },
    (_, at) => `239.${1 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`,
  );
}

/** A session of IGMP on interface 1 with one membership, and one of a routing protocol that records its alerts. */
async function windowScene(
  mgm: Mgm,
  recipientOptions: Partial<ProtocolOptions> = {},
  igmpOptions: Partial<ProtocolOptions> = {},
) {
  const { handlers, ...recorded } = recording();
  const recipient = await mgm.registerProtocol(pim({ ...handlers, ...recipientOptions }));
  const local = await mgm.registerProtocol(igmp(igmpOptions));
  await local.takeInterfaceOwnership({ ifIndex: 1 });
  await local.addGroupMembershipEntry({ ifIndex: 1, group: G1 });
  await eventually(() => expect(recorded.seen()).toEqual([`JOIN_ALERT ${G1}`]), MS);
  recorded.items.length = 0;
  const owner = recording();
  const protocol = await mgm.registerProtocol(pim(owner.handlers));
  return { ...recorded, recipient, local, protocol, owner };
}

describe('alerts', () => {
  it('reach the handlers as single items with the fields of their message, once and in order', async () => {
    await using mgm = await stage.client();
    const { items, handlers, seen } = recording();
    await using recipient = await mgm.registerProtocol(pim(handlers));
    await using other = await mgm.registerProtocol(pim());
    await other.takeInterfaceOwnership({ ifIndex: 7, nextHop: '10.0.0.1' });
    const all = groups(300).map((group) => ({ ifIndex: 7, nextHop: '10.0.0.1', group }));
    await other.addGroupMembershipEntries(all);
    await other.deleteGroupMembershipEntry(all[0] ?? { ifIndex: 7 });
    await eventually(() => expect(items).toHaveLength(301), MS);
    expect(seen()).toEqual([
      ...all.map(({ group }) => `JOIN_ALERT ${group}`),
      `PRUNE_ALERT ${all[0]?.group}`,
    ]);
    expect(items[0]).toEqual({
      ...{ seq: 1, type: 'JOIN_ALERT', ts: expect.any(Number), memberUpdate: true },
      ...{ group: '239.1.0.0', source: '', mrev: 256, cause: 'member' },
    });
    expect(items.at(-1)).toEqual({
      ...{ seq: 3, type: 'PRUNE_ALERT', ts: expect.any(Number), memberDelete: true },
      ...{ group: '239.1.0.0', source: '', ifIndex: 7, nextHop: '10.0.0.1', covered: false },
      ...{ mrev: 301, cause: 'member' },
    });
    expect(recipient.unknownCallbacks).toBe(0);
  });

  it('are sent only if there is a handler for their type', async () => {
    await using mgm = await stage.client();
    const pruned: string[] = [];
    await using recipient = await mgm.registerProtocol(
      pim({ onPruneAlert: ({ group }) => void pruned.push(group) }),
    );
    await using other = await mgm.registerProtocol(pim());
    await other.takeInterfaceOwnership({ ifIndex: 1 });
    await other.addGroupMembershipEntry({ ifIndex: 1, group: G1 });
    await other.deleteGroupMembershipEntry({ ifIndex: 1, group: G1 });
    await eventually(() => expect(pruned).toEqual([G1]), MS);
    expect(recipient.unknownCallbacks).toBe(0);
  });

  it('tell the owner what IGMP has on its interface, one handler at a time', async () => {
    await using mgm = await stage.client();
    const called: string[] = [];
    let running = 0;
    const slow = async (item: AlertItem): Promise<void> => {
      expect(++running).toBe(1);
      await Promise.resolve();
      called.push(`${item.type} ${item.group} ${'ifIndex' in item ? item.ifIndex : ''}`);
      running--;
    };
    await using owner = await mgm.registerProtocol(pim({ onLocalJoin: slow, onLocalLeave: slow }));
    await using local = await mgm.registerProtocol(igmp());
    await owner.takeInterfaceOwnership({ ifIndex: 1 });
    await local.takeInterfaceOwnership({ ifIndex: 1 });
    await local.addGroupMembershipEntries([
      { ifIndex: 1, group: G1 },
      { ifIndex: 1, group: G2, source: '10.1.1.1' },
    ]);
    await local.deleteGroupMembershipEntry({ ifIndex: 1, group: G1 });
    await eventually(
      () =>
        expect(called).toEqual([`LOCAL_JOIN ${G1} 1`, `LOCAL_JOIN ${G2} 1`, `LOCAL_LEAVE ${G1} 1`]),
      MS,
    );
  });

  it('whose handler fails are retried, reported, and finally skipped', async () => {
    await using mgm = await stage.client();
    const called: string[] = [];
    const failures: SessionEvents['callback-error'][] = [];
    await using recipient = await mgm.registerProtocol(
      pim({
        onJoinAlert: ({ group }) => {
          called.push(group);
          if (group === G1 || called.length === 4) throw new Error('not today');
        },
        on: { 'callback-error': (failure) => void failures.push(failure) },
      }),
    );
    await using other = await mgm.registerProtocol(pim());
    await other.takeInterfaceOwnership({ ifIndex: 1 });
    await other.addGroupMembershipEntries([
      { ifIndex: 1, group: G1 },
      { ifIndex: 1, group: G2 },
    ]);
    await eventually(() => expect(called).toEqual([G1, G1, G1, G2, G2]), MS);
    expect(failures.map(({ attempt, willRetry }) => [attempt, willRetry])).toEqual([
      ...[
        [1, true],
        [2, true],
        [3, false],
        [1, true],
      ],
    ]);
    expect(failures[0]).toMatchObject({ callback: { type: 'JOIN_ALERT', group: G1, seq: 1 } });
    expect(recipient.state).toBe('live');
  });
});

describe('an IGMP window', () => {
  it('is not seen by the others, and the owner has every LOCAL_JOIN', async () => {
    await using mgm = await stage.client();
    const { items, seen, protocol, owner, local, recipient } = await windowScene(mgm);
    const ownership = await protocol.takeInterfaceOwnership({ ifIndex: 1 });
    await eventually(() => expect(owner.seen()).toEqual([`LOCAL_JOIN ${G1}`]), MS);
    expect(await Array.fromAsync(mgm.members())).toMatchObject([
      { group: G1, session: local.id, countsFor: protocol.id },
    ]);
    await ownership.release();
    await eventually(async () => {
      const listed = await Array.fromAsync(mgm.members());
      expect(listed).toMatchObject([{ group: G1, session: local.id, countsFor: local.id }]);
    }, MS);
    // A later alert shows that those of the two windows were handled.
    await local.addGroupMembershipEntry({ ifIndex: 1, group: G2 });
    await eventually(() => expect(seen()).toEqual([`JOIN_ALERT ${G2}`]), MS);
    expect(items[0]?.seq).toBeGreaterThan(4);
    expect(owner.seen()).not.toContain(`LOCAL_LEAVE ${G1}`);
    expect(recipient.state).toBe('live');
  });

  it('without a re-add is seen as a PRUNE when the time is over', async () => {
    await using mgm = await stage.client();
    const windowHoldMs = 400;
    const scene = await windowScene(mgm, { windowHoldMs }, { readdMemberships: false });
    const { items, seen, protocol, local } = scene;
    const beganMono = performance.now();
    await protocol.takeInterfaceOwnership({ ifIndex: 1 });
    await eventually(() => expect(seen()).toEqual([`PRUNE_ALERT ${G1}`]), MS);
    expect(performance.now() - beganMono).toBeGreaterThanOrEqual(windowHoldMs);
    expect(items[0]).toMatchObject({ window: true, cause: 'take', ifIndex: 1 });
    await eventually(() => expect(local.memberships).toEqual([]), MS);
  });

  it('is seen as it is with `windowHoldMs: 0`', async () => {
    await using mgm = await stage.client();
    const { seen, protocol } = await windowScene(mgm, { windowHoldMs: 0 });
    await protocol.takeInterfaceOwnership({ ifIndex: 1 });
    const pair = [`PRUNE_ALERT ${G1}`, `JOIN_ALERT ${G1}`];
    await eventually(() => expect(seen()).toEqual(pair), MS);
  });

  it('that is open when an enumeration begins leaves no wrong belief', async () => {
    await using mgm = await stage.client();
    const hold = { windowHoldMs: 60_000 };
    const scene = await windowScene(mgm, hold, { readdMemberships: false });
    const { seen, protocol, local, recipient } = scene;
    await protocol.takeInterfaceOwnership({ ifIndex: 1 });
    await eventually(async () => expect(await Array.fromAsync(mgm.groups())).toEqual([]), MS);
    // Handled, so the item is held: this alert follows it.
    await local.addGroupMembershipEntry({ ifIndex: 1, group: G2 });
    await eventually(() => expect(seen()).toEqual([`JOIN_ALERT ${G2}`]), MS);
    const listed = await Array.fromAsync(recipient.groupEnumeration());
    expect(listed).toMatchObject([{ group: G2, others: true }]);
    await local.addGroupMembershipEntry({ ifIndex: 1, group: G1 });
    await eventually(() => expect(seen().at(-1)).toBe(`JOIN_ALERT ${G1}`), MS);
    expect(seen().filter((one) => one === `JOIN_ALERT ${G1}`)).toHaveLength(1);
  });

  it('lets a handler of IGMP make membership calls on the interface, and calls in between follow the re-adds', async () => {
    await using mgm = await stage.client();
    const joined: string[] = [];
    const scene = await windowScene(
      mgm,
      {},
      {
        onDisableIgmp: async () => {
          await scene.local.addGroupMembershipEntry({ ifIndex: 1, group: '239.0.0.7' });
        },
        onEnableIgmp: async () => {
          await scene.local.deleteGroupMembershipEntry({ ifIndex: 1, group: G1 });
          joined.push('enabled');
        },
      },
    );
    const { owner, protocol, local } = scene;
    await protocol.takeInterfaceOwnership({ ifIndex: 1 });
    await eventually(() => expect(joined).toEqual(['enabled']), MS);
    await eventually(() => expect(owner.seen()).toContain('LOCAL_JOIN 239.0.0.7'), MS);
    await local.addGroupMembershipEntry({ ifIndex: 1, group: G2 });
    expect(local.memberships.map(({ group }) => group)).toEqual(['239.0.0.7', G2]);
    await eventually(() => expect(owner.seen()).toContain(`LOCAL_JOIN ${G2}`), MS);
    expect(owner.seen()).not.toContain(`LOCAL_JOIN ${G1}`);
  });

  it('re-adds by the thousand, also those that were deleted or added meanwhile', async () => {
    await using mgm = await stage.client();
    const { protocol, local, owner } = await windowScene(mgm);
    const many = groups(2_000).map((group) => ({ ifIndex: 1, group }));
    await local.addGroupMembershipEntries(many);
    const ownership = await protocol.takeInterfaceOwnership({ ifIndex: 1 });
    const kept = many.slice(1_000);
    await Promise.all([
      local.deleteGroupMembershipEntries(many.slice(0, 1_000)),
      local.addGroupMembershipEntry({ ifIndex: 1, group: G2 }),
    ]);
    const expected = [G1, ...kept.map(({ group }) => group), G2].toSorted();
    await eventually(async () => {
      const listed = await Array.fromAsync(mgm.members({ session: local.id }));
      expect(listed.map(({ group }) => group).toSorted()).toEqual(expected);
    }, MS);
    expect(local.memberships.map(({ group }) => group).toSorted()).toEqual(expected);
    const joined = (): string[] => {
      const now = new Set<string>();
      for (const { type, group } of owner.items) {
        if (type === 'LOCAL_JOIN') now.add(group);
        if (type === 'LOCAL_LEAVE') now.delete(group);
      }
      return [...now].toSorted();
    };
    await eventually(() => expect(joined()).toEqual(expected), MS);
    expect(ownership.isHeld).toBe(true);
  });
});

describe('an overflow', () => {
  it('is reported after it was acknowledged, and alerts are sent again from then on', async () => {
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    const gate = Promise.withResolvers<void>();
    const resyncs: Resync[] = [];
    const after: string[] = [];
    let joined = 0;
    await using recipient = await mgm.registerProtocol(
      pim({
        ttlMs: 60_000,
        onJoinAlert: async ({ group }) => {
          await gate.promise;
          joined++;
          if (resyncs.length > 0) after.push(group);
        },
        onResync: async (resync) => {
          resyncs.push(resync);
          const wanted = await Array.fromAsync(recipient.groupEnumeration({ limit: 1_000 }));
          expect(wanted).toHaveLength(66_000);
        },
      }),
    );
    await using other = await mgm.registerProtocol(pim());
    await other.takeInterfaceOwnership({ ifIndex: 1 });
    const all = groups(66_000).map((group) => ({ ifIndex: 1, group }));
    for (let at = 0; at < all.length; at += 16_384) {
      await other.addGroupMembershipEntries(all.slice(at, at + 16_384));
    }
    gate.resolve();
    await eventually(() => expect(resyncs).toEqual([{ cause: 'overflow' }]), { withinMs: 60_000 });
    await other.addGroupMembershipEntry({ ifIndex: 1, group: G1 });
    await eventually(() => expect(after).toEqual([G1]), { withinMs: 60_000 });
    expect(joined).toBeGreaterThan(65_000);
    expect(joined).toBeLessThan(66_000);
  });
});
