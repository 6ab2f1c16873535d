import { eventually } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { mgmctlStage, objects, PIM } from './stage.ts';

const stage = mgmctlStage();
const WHY = ['--why', 'moved to the standby'];

describe('mgmctl release', () => {
  it('takes an interface away without a question after --yes, and tells the owner the operator and the reason', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    const ownership = await pim.takeInterfaceOwnership({ ifIndex: 7, nextHop: '10.0.0.1' });
    const args = ['release', '7', '10.0.0.1', ...WHY, '--actor', 'alice@noc', '--yes'];
    const { code, stdout, stderr } = await router.run(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      new RegExp(
        `^released interface 7 via 10.0.0.1 from PIM/1 pim-1 \\(session ${pim.id}, epoch \\d+, since .* UTC\\)\n$`,
      ),
    );
    await eventually(() => expect(ownership.isHeld).toBe(false), { withinMs: 5_000 });
    const { events } = await router.mgm.events(2);
    const said = { type: 'released', cause: 'admin', actor: 'alice@noc', why: WHY[1] };
    expect(events).toEqual([expect.objectContaining(said)]);
  });

  it('prints an object with --json; the default actor is the user', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    const { code, stdout } = await router.run(['release', '7', ...WHY, '--yes', '--json']);
    expect(code).toBe(0);
    expect(objects(stdout)).toEqual([
      {
        released: true,
        ifIndex: 7,
        nextHop: '',
        previous: expect.objectContaining({ session: pim.id, name: 'pim-1' }),
        actor: expect.stringMatching(/^[^@]+@.+$/),
        why: WHY[1],
      },
    ]);
  });

  it('asks for a confirmation, and does nothing without a yes', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    const ownership = await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await using asked = router.onTerminal(['release', '7', ...WHY]);
    await asked.prints(/Take interface 7 away from PIM\/1 pim-1 \(session \d+.*\)\? \[y\/N\]/);
    asked.write('\n');
    const { code, stdout } = await asked.ended();
    expect({ code, said: stdout.includes('nothing was changed') }).toEqual({ code: 1, said: true });
    expect(ownership.isHeld).toBe(true);
  });

  it('continues after a yes', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    const ownership = await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await using asked = router.onTerminal(['release', '7', ...WHY]);
    await asked.prints(/\[y\/N\]/);
    asked.write('y\n');
    expect(await asked.ended()).toMatchObject({ code: 0 });
    await asked.prints(/^released interface 7 from PIM\/1 pim-1/m);
    await eventually(() => expect(ownership.isHeld).toBe(false), { withinMs: 5_000 });
  });

  it('does nothing after Ctrl-C at the question', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    const ownership = await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await using asked = router.onTerminal(['release', '7', ...WHY]);
    await asked.prints(/\[y\/N\]/);
    asked.write('\u0003');
    expect(await asked.ended()).toMatchObject({ code: 130 });
    expect(ownership.isHeld).toBe(true);
  });

  it('refuses to run without a terminal to confirm on, or without a reason', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    expect(await router.run(['release', '7', ...WHY], { input: 'y\n' })).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^mgmctl: no terminal to confirm on: add --yes; .+\n$/),
    });
    expect(await router.run(['release', '7', '--yes'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("required option '--why <text>' not specified"),
    });
  });

  it('ends with 4 if the interface has no owner', async () => {
    await using router = await stage.router();
    expect(await router.run(['release', '7', ...WHY, '--yes'])).toMatchObject({
      code: 4,
      stdout: '',
    });
  });
});

describe('mgmctl evict', () => {
  it('ends a session and releases its interfaces', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaces([{ ifIndex: 7 }, { ifIndex: 8 }]);
    await using asked = router.onTerminal(['evict', String(pim.id), '--why', 'hangs']);
    await asked.prints(/End session \d{16} of PIM\/1 pim-1 with 2 interfaces\? \[y\/N\]/);
    asked.write('yes\n');
    expect(await asked.ended()).toMatchObject({ code: 0 });
    await asked.prints(new RegExp(`^evicted session ${pim.id}: 2 interfaces released$`, 'm'));
  });

  it('prints an object with --json', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    const args = ['evict', String(pim.id), '--why', 'hangs', '--actor', 'bob', '--yes', '--json'];
    const { code, stdout } = await router.run(args);
    expect(code).toBe(0);
    const evicted = { evicted: true, session: pim.id, released: 1, actor: 'bob', why: 'hangs' };
    expect(objects(stdout)).toEqual([evicted]);
  });

  it('ends with 4 if the session does not exist, with and without --yes', async () => {
    await using router = await stage.router();
    const args = ['evict', '12345', '--why', 'hangs'];
    expect(await router.run([...args, '--yes'])).toMatchObject({ code: 4, stdout: '' });
    expect(await router.run(args)).toMatchObject({ code: 4, stdout: '' });
  });
});
