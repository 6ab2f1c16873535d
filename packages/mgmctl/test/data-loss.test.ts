import { once } from 'node:events';
import { connect } from 'node:net';
import { notBreakable } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { mgmctlStage, objects, PIM } from './stage.ts';

const stage = mgmctlStage();

/** Loses all data of the store. */
async function flushStore(): Promise<void> {
  const { hostname, port } = new URL(stage.servers.redis.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write('FLUSHALL\r\n');
  expect(String(await once(socket, 'data').then(([reply]) => reply as Buffer))).toBe('+OK\r\n');
  socket.destroy();
}

describe('mgmctl holdoff', () => {
  it('shows a hold-off in doctor, and ends it', async (ctx) => {
    const reason = notBreakable();
    ctx.skip(reason !== undefined, reason ?? '');
    await using router = await stage.router();
    const end = ['holdoff', 'end', '--why', 'all restarted', '--actor', 'alice', '--yes'];
    expect(await router.run(end)).toMatchObject({
      code: 4,
      stderr: `mgmctl: router ${router.name} has no hold-off; nothing was changed\n`,
    });
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await flushStore();
    const other = await router.register(PIM, 'pim-2');
    const take = () => other.takeInterfaceOwnership({ ifIndex: 9 }, { deadlineMs: 1_000 });
    await expect(take()).rejects.toMatchObject({ reason: 'unavailable' });
    const { stdout } = await router.run(['doctor']);
    expect(stdout).toMatch(
      /^note {2}hold-off {5}the store lost data: no new grants for \d.+; wait, or end it with mgmctl holdoff end/m,
    );
    const ended = await router.run(end);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^ended the hold-off, \d.+ before its end\n$/);
    await take();
    const audited = objects((await router.run(['audit', '--json'])).stdout);
    const holdoff = { operation: 'admin.end-holdoff', actor: 'alice' };
    expect(audited.slice(-1)).toEqual([
      expect.objectContaining({ ...holdoff, type: 'holdoff-ended', why: 'all restarted' }),
    ]);
  });
});
