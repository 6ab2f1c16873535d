import { connect, isMgmError, ProtocolId } from '@mgm/client';
import { startNats, startRedis } from '@mgm/devstack';
import { startManager } from '@mgm/test-support';
import { expect, inject, it } from 'vitest';
import { olderVersion } from './topology/older-version.ts';

/** A commit before memberships existed. A shallow clone lacks it. */
const BEFORE_MEMBERSHIPS = '1ebf634';
const GROUP = '239.0.0.1';

it('memberships are not supported by a manager from before they existed; the session continues', async (context) => {
  const root = await olderVersion(BEFORE_MEMBERSHIPS).catch(() => undefined);
  if (root === undefined) return context.skip(`${BEFORE_MEMBERSHIPS} is not in this clone`);
  await using scope = new AsyncDisposableStack();
  const nats = await startNats(inject('servers'));
  scope.defer(() => nats.stop());
  const redis = await startRedis(inject('servers'));
  scope.defer(() => redis.stop());
  const manager = await startManager({ nats, redis }, {}, { root });
  scope.defer(() => manager.kill());
  await using mgm = await connect({ servers: nats.url, router: 'r1' });
  const session = await mgm.registerProtocol({
    protocolId: ProtocolId.PIM,
    componentId: 1,
    onJoinAlert: () => {},
  });
  await session.takeInterfaceOwnership({ ifIndex: 1 });
  const ref = { ifIndex: 1, group: GROUP };
  const calls = [
    session.addGroupMembershipEntry(ref),
    session.deleteGroupMembershipEntry(ref),
    session.groupEnumeration().next(),
    mgm.groups().next(),
    mgm.members().next(),
    mgm.memberEvents(0),
  ];
  for (const result of await Promise.allSettled(calls)) {
    const reason: unknown = result.status === 'rejected' ? result.reason : undefined;
    expect(isMgmError(reason)).toBe(true);
    expect(reason).toMatchObject({
      ...{ reason: 'not-supported', status: 1003, outcome: 'not-done', retryable: false },
    });
  }
  expect(session.memberships).toEqual([]);
  await session.releaseInterfaceOwnership({ ifIndex: 1 });
  expect(session.state).toBe('live');
});
