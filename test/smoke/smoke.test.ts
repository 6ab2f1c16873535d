import { connect } from '@mgm/client';
import { startManagers, startServers } from '@mgm/test-support';
import { expect, it } from 'vitest';
import { smoke } from './smoke.ts';

it('succeeds over two managers', async () => {
  await using servers = await startServers();
  await using _managers = await startManagers(2, servers);
  await using mgm = await connect({ servers: servers.nats.url, router: 'smoke' });
  const lines: string[] = [];
  await smoke(mgm, (line) => lines.push(line.replace(/:.*/, '')));
  expect(lines).toEqual(['registered', 'taken', 'called back', 'refused', 'handed over', 'left']);
});
