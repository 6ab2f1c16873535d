import { eventually } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { mgmctlStage, objects, PIM } from './stage.ts';

const stage = mgmctlStage();
const WHY = ['--why', 'moved to the standby'];

describe('mgmctl release', () => {
  it('takes an interface away without a question after --yes, and tells the owner who and why', async () => {
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

  it('says the same with --json, and who runs it where no --actor is named', async () => {
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

  it('asks a person, and does nothing for anything but a yes', async () => {
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

  it('goes on after a yes', async () => {
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

  it('does nothing when Ctrl-C is the answer', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    const ownership = await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await using asked = router.onTerminal(['release', '7', ...WHY]);
    await asked.prints(/\[y\/N\]/);
    asked.write('\u0003');
    expect(await asked.ended()).toMatchObject({ code: 130 });
    expect(ownership.isHeld).toBe(true);
  });

  it('refuses to go on where there is nobody to ask, and where no reason is given', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    expect(await router.run(['release', '7', ...WHY], { input: 'y\n' })).toEqual({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^mgmctl: there is no terminal .*: add --yes; .+\n$/),
    });
    expect(await router.run(['release', '7', '--yes'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("required option '--why <text>' not specified"),
    });
  });

  it('ends with 4 where nobody is', async () => {
    await using router = await stage.router();
    expect(await router.run(['release', '7', ...WHY, '--yes'])).toMatchObject({
      code: 4,
      stdout: '',
    });
  });
});

describe('mgmctl evict', () => {
  it('ends a session with all it has', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaces([{ ifIndex: 7 }, { ifIndex: 8 }]);
    await using asked = router.onTerminal(['evict', String(pim.id), '--why', 'hangs']);
    await asked.prints(/End session \d{16} of PIM\/1 pim-1 with 2 interfaces\? \[y\/N\]/);
    asked.write('yes\n');
    expect(await asked.ended()).toMatchObject({ code: 0 });
    await asked.prints(new RegExp(`^evicted session ${pim.id}: 2 interfaces released$`, 'm'));
  });

  it('says the same with --json', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    await pim.takeInterfaceOwnership({ ifIndex: 7 });
    const args = ['evict', String(pim.id), '--why', 'hangs', '--actor', 'bob', '--yes', '--json'];
    const { code, stdout } = await router.run(args);
    expect(code).toBe(0);
    const evicted = { evicted: true, session: pim.id, released: 1, actor: 'bob', why: 'hangs' };
    expect(objects(stdout)).toEqual([evicted]);
  });

  it('ends with 4 where there is no such session, asked or not', async () => {
    await using router = await stage.router();
    const args = ['evict', '12345', '--why', 'hangs'];
    expect(await router.run([...args, '--yes'])).toMatchObject({ code: 4, stdout: '' });
    expect(await router.run(args)).toMatchObject({ code: 4, stdout: '' });
  });
});
