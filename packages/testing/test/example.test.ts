import { ProtocolId } from '@mgm/client';
import { test as base } from '@mgm/testing/vitest';
import { expect, inject } from 'vitest';

const test = base.override({ routerOptions: { servers: inject('servers') } });

// example {
test('a worker stops forwarding when its lease has ended', async ({ router, worker }) => {
  const session = await worker.mgm.registerProtocol({
    protocolId: ProtocolId.PIM,
    componentId: 1,
    ttlMs: 1000,
    reregister: false,
  });
  const { epoch, signal } = await session.takeInterfaceOwnership({ ifIndex: 7 });
  const forwarding = new Set([epoch]);
  signal.addEventListener('abort', () => forwarding.delete(epoch));
  await router.expireLease(worker, session); // cuts the link, waits for the end of the lease, heals
  expect(forwarding.size).toBe(0);
  const types = (await router.events()).map(({ type }) => type);
  expect(types.slice(0, 3)).toEqual(['registered', 'taken', 'expired']); // a sweep adds 'released'
});
// }
