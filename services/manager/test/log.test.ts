import { eventually, startServers, managerEnv } from '@mgm/test-support';
import { expect, it } from 'vitest';
import { Worker } from './in-process.ts';
import { ready, spawnManager } from './process.ts';

it('no text of a client controls the terminal that shows the log', async () => {
  await using servers = await startServers();
  await using worker = await Worker.connect(servers);
  await using manager = spawnManager(managerEnv(servers));
  await ready(manager);
  const { handle } = await worker.register();
  await worker.ask('take', { handle, seq: 1, ack: 1, ifIndex: 7 });
  const why = 'a\u001b[2J\u009b2J\u0007\u2028b\u202ec\u2066d\u007f';
  expect(await worker.ask('admin.release', { ifIndex: 7, actor: 'noc', why })).toMatchObject({
    status: 0,
  });
  await eventually(
    () => expect(manager.lines).toContainEqual(expect.objectContaining({ cause: 'admin', why })),
    { withinMs: 30_000 },
  );
  expect(manager.stdout).not.toMatch(/[^\P{C}\n]|[\u2028\u2029]/u);
});
