import { connect as connectClient } from '@mgm/client';
import {
  eventually,
  newRouterName,
  startManager,
  startServers,
  TestProcess,
} from '@mgm/test-support';
import { connect } from '@mgm/nats';
import { expect, it } from 'vitest';

const WORKER = new URL('../src/worker/worker.ts', import.meta.url);

it('a worker that is stopped during its registration closes the session that it gets', async () => {
  await using servers = await startServers();
  await using manager = await startManager(servers);
  const router = newRouterName();
  const nats = await connect({ servers: servers.nats.url });
  const asked = nats.subscribe(`mgm.v1.${router}.register`, { max: 1 });
  await nats.flush();
  manager.pause();
  await using worker = TestProcess.node(WORKER, ['--protocol', 'DVMRP', '--router', router], {
    env: { MGM_NATS_URL: servers.nats.url },
  });
  for await (const _ of asked);
  worker.signal('SIGTERM');
  manager.resume();
  expect((await worker.ended()).code).toBe(0);
  await using mgm = await connectClient({ servers: servers.nats.url, router });
  const types = async () => (await mgm.events(0)).events.map(({ type }) => type);
  await eventually(async () => expect(await types()).toEqual(['registered', 'deregistered']), {
    withinMs: 30_000,
  });
  await nats.close();
});
