import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect as connectClient } from '@mgm/client';
import { COMPILED, eventually, startManagerProcess, startServers } from '@mgm/test-support';
import { connect } from '@mgm/nats';
import { expect, it } from 'vitest';
import { newRouter } from './support/router.ts';

const WORKER = fileURLToPath(new URL('../src/worker.ts', import.meta.url));

function startWorker(natsUrl: string, router: string): ChildProcess {
  const args = ['--conditions=@mgm/source', WORKER, '--protocol', 'DVMRP', '--router', router];
  return spawn(process.execPath, args, {
    env: { ...COMPILED, MGM_NATS_URL: natsUrl },
    stdio: 'ignore',
  });
}

it('a worker that is stopped while it registers gives back what it gets', async () => {
  await using servers = await startServers();
  await using manager = await startManagerProcess(servers);
  const router = newRouter();
  const nats = await connect({ servers: servers.nats.url });
  const asked = nats.subscribe(`mgm.v1.${router}.register`, { max: 1 });
  await nats.flush();
  manager.pause();
  const worker = startWorker(servers.nats.url, router);
  const gone = once(worker, 'exit');
  for await (const _ of asked);
  worker.kill('SIGTERM');
  manager.resume();
  expect(await gone).toEqual([0, null]);
  await using mgm = await connectClient({ servers: servers.nats.url, router });
  const types = async () => (await mgm.events(0)).events.map(({ type }) => type);
  await eventually(async () => expect(await types()).toEqual(['registered', 'deregistered']), {
    withinMs: 5_000,
  });
  await nats.close();
});
