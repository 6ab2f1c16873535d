import { newRouterName } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import type { MembershipRef, Mgm } from '../src/mod.ts';
import { errorOf } from './error-of.ts';
import { clientStage, igmp, pim } from './stage.ts';

const stage = clientStage();
const G = ['239.0.0.1', '239.0.0.2', '239.0.0.3'] as const;

const named = ({ group = '', ifIndex }: MembershipRef) => `${group} on ${ifIndex}`;
const members = async (mgm: Mgm, filter = {}) =>
  (await Array.fromAsync(mgm.members(filter))).map(named);

/** `count` groups. */
function groups(count: number): string[] {
  return Array.from({ length: count }, (_, at) => `239.1.${at >> 8}.${at & 255}`);
}

describe('memberships of a session', () => {
  it('are added, recorded, listed and deleted, in canonical text', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 7, nextHop: 0x0a000001 });
    const hop = { ifIndex: 7, nextHop: '10.0.0.1' };
    const added = await session.addGroupMembershipEntry({
      ...{ ifIndex: 7, nextHop: 0x0a000001 },
      ...{ group: 0xef000001, source: '::0' },
    });
    expect(added).toMatchObject({ changed: true, mrev: 1 });
    const one = { ...hop, group: G[0], source: '' };
    expect(session.memberships).toEqual([one]);
    expect(await session.addGroupMembershipEntry(one)).toMatchObject({ changed: false, mrev: 1 });
    const { id } = session;
    expect(await Array.fromAsync(mgm.members())).toEqual([{ ...one, session: id, countsFor: id }]);
    expect(await session.deleteGroupMembershipEntry(one)).toMatchObject({ changed: true, mrev: 2 });
    expect(session.memberships).toEqual([]);
    expect(await errorOf(session.deleteGroupMembershipEntry(one))).toMatchObject({
      ...{ reason: 'no-membership', status: 1168, outcome: 'not-done' },
    });
    const { events, head, first } = await mgm.memberEvents(0);
    expect([events.map(({ type }) => type), head, first]).toEqual([['joined', 'left'], 2, 1]);
    await mgm.memberEvents(2, { limit: 1 });
  });

  it('of one turn share requests, keep their order on the interface, and follow its take', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const ref = { ifIndex: 1, group: G[0] };
    const results = await Promise.all([
      session.takeInterfaceOwnership({ ifIndex: 1 }).then(() => 'taken'),
      session.addGroupMembershipEntry(ref).then(({ changed }) => changed),
      session.addGroupMembershipEntry(ref).then(({ changed }) => changed),
      session.deleteGroupMembershipEntry(ref).then(({ changed }) => changed),
      session.addGroupMembershipEntry({ ifIndex: 1, group: G[1] }).then(({ changed }) => changed),
      session.releaseInterfaceOwnership({ ifIndex: 1 }).then(() => 'released'),
      session.takeInterfaceOwnership({ ifIndex: 1 }).then(() => 'taken'),
      session.addGroupMembershipEntry({ ifIndex: 1, group: G[2] }).then(({ changed }) => changed),
    ]);
    expect(results).toEqual(['taken', true, false, true, true, 'released', 'taken', true]);
    expect(session.memberships.map(named)).toEqual([`${G[2]} on 1`]);
    expect(await members(mgm)).toEqual([`${G[2]} on 1`]);
  });

  it('are added and deleted by the thousand, each element with its own result', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    await session.takeInterfaces([{ ifIndex: 1 }, { ifIndex: 2 }]);
    const refs = groups(1_000).flatMap((group) => [
      { ifIndex: 1, group },
      { ifIndex: 2, group },
    ]);
    const wrong = [
      { ifIndex: 3, group: G[0] },
      { ifIndex: 1, group: '232.1.1.1' },
      { ifIndex: 0, group: G[0] },
      { ifIndex: 1, group: '10.0.0.1' },
      { ifIndex: 1, group: G[0], source: '10.0.0.1', flags: 2 },
    ];
    const added = await session.addGroupMembershipEntries([
      ...wrong,
      ...refs,
      { ifIndex: 1, group: '239.1.0.0' },
    ]);
    const reasons = added.slice(0, 5).map((one) => one.kind === 'failed' && one.error.reason);
    expect(reasons).toEqual([
      ...['not-found', 'ssm-needs-source', 'bad-request', 'bad-request', 'no-mfe'],
    ]);
    expect(added.slice(5, -1).every((one) => one.kind === 'done' && one.changed)).toBe(true);
    expect(added.at(-1)).toEqual({ kind: 'done', changed: false });
    expect(session.memberships).toHaveLength(2_000);
    const deleted = await session.deleteGroupMembershipEntries(refs);
    expect(deleted.every((one) => one.kind === 'done' && one.changed)).toBe(true);
    expect([session.memberships, await members(mgm)]).toEqual([[], []]);
  });

  it('end with the release of their interface, also those whose add was in flight', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    const add = session.addGroupMembershipEntry({ ifIndex: 1, group: G[0] });
    await Promise.all([add, session.releaseInterfaceOwnership({ ifIndex: 1 })]);
    expect([session.memberships, await members(mgm)]).toEqual([[], []]);
  });

  it('with FORWARD change nothing for a wildcard, and say how many entries they covered', async () => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    await session.takeInterfaceOwnership({ ifIndex: 1 });
    const forward = { ifIndex: 1, group: G[0], flags: 2 };
    const [one, two] = await Promise.all([
      session.addGroupMembershipEntry(forward),
      session.addGroupMembershipEntry({ ...forward, group: G[1] }),
    ]);
    expect([one, two]).toMatchObject([
      { changed: false, matched: 0 },
      { changed: false, matched: 0 },
    ]);
    expect(session.memberships).toEqual([]);
  });
});

describe('groups', () => {
  it('are enumerated as the session sees them, and by a tool without a session', async () => {
    const router = newRouterName();
    await using mgm = await stage.client({ router });
    await using one = await mgm.registerProtocol(pim());
    await using two = await mgm.registerProtocol(pim());
    await using local = await mgm.registerProtocol(igmp());
    await one.takeInterfaceOwnership({ ifIndex: 1 });
    await two.takeInterfaceOwnership({ ifIndex: 2 });
    await local.takeInterfaceOwnership({ ifIndex: 2 });
    await one.addGroupMembershipEntry({ ifIndex: 1, group: G[0] });
    await one.addGroupMembershipEntry({ ifIndex: 1, group: G[1], source: '10.1.1.1' });
    await one.addGroupMembershipEntry({ ifIndex: 1 });
    await local.addGroupMembershipEntry({ ifIndex: 2, group: G[0] });
    const seen = await Array.fromAsync(two.groupEnumeration({ limit: 1 }));
    const views = { group: '', source: '', clients: 1, others: true, own: false, local: false };
    expect(seen).toEqual([
      views,
      { ...views, group: G[0], clients: 2, local: true },
      { ...views, group: G[1], source: '10.1.1.1', notified: false },
    ]);
    expect(await Array.fromAsync(mgm.groups({ type: 'any' }))).toEqual([
      { group: G[0] },
      { group: G[1] },
    ]);
    expect(await Array.fromAsync(mgm.groups())).toMatchObject([
      {},
      { clients: 2, local: false },
      {},
    ]);
    expect(await members(mgm, { session: two.id })).toEqual([`${G[0]} on 2`]);
    expect(await members(mgm, { ifIndex: 1, group: '' })).toEqual([' on 1']);
  });
});
