import { connect, ProtocolId } from '@mgm/client';
import { IMAGES } from '@mgm/devstack';
import { MgmManagerContainer } from '@mgm/testing/containers';
import { GenericContainer, Network, Wait } from 'testcontainers';
import { expect, it } from 'vitest';

const IMAGE = process.env['MGM_MANAGER_IMAGE'];

it('a manager serves in a container, in a network with its servers', async (context) => {
  context.skip(IMAGE === undefined, 'MGM_MANAGER_IMAGE names no image of the manager');
  await using network = await new Network().start();
  await using _redis = await new GenericContainer(IMAGES.redis)
    .withCommand(['redis-server'])
    .withNetwork(network)
    .withNetworkAliases('redis')
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .start();
  await using nats = await new GenericContainer(IMAGES.nats)
    .withCommand(['-a', '0.0.0.0'])
    .withNetwork(network)
    .withNetworkAliases('nats')
    .withExposedPorts(4222)
    .withWaitStrategy(Wait.forLogMessage(/Server is ready/))
    .start();
  await using manager = await new MgmManagerContainer(IMAGE ?? '')
    .withNetwork(network)
    .withNatsUrl('nats://nats:4222')
    .withRedisUrl('redis://redis:6379')
    .withSettings({ MGM_NAME: 'in-a-container' })
    .start();
  const response = await fetch(`${manager.getHealthUrl()}/readyz`);
  expect(response.status).toBe(200);
  const servers = `nats://${nats.getHost()}:${nats.getMappedPort(4222)}`;
  await using mgm = await connect({ servers, router: 'contained' });
  await using session = await mgm.registerProtocol({ protocolId: ProtocolId.PIM, componentId: 1 });
  await using ownership = await session.takeInterfaceOwnership({ ifIndex: 7 });
  expect(ownership.isHeld).toBe(true);
  await expect(mgm.replicas()).resolves.toMatchObject([{ name: 'in-a-container' }]);
});
