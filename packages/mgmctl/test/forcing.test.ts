import { eventually } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { DVMRP, mgmctlStage, objects, PIM } from './stage.ts';

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
    await eventually(() => expect(ownership.isHeld).toBe(false), { withinMs: 30_000 });
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
    await eventually(() => expect(ownership.isHeld).toBe(false), { withinMs: 30_000 });
  });

  it('does not hit the next owner if the owner changes after the question', async () => {
    await using router = await stage.router();
    const pim = await router.register(PIM, 'pim-1');
    const dvmrp = await router.register(DVMRP, 'dvmrp-1');
    await using first = await pim.takeInterfaceOwnership({ ifIndex: 7 });
    await using asked = router.onTerminal(['release', '7', ...WHY], { columns: 200 });
    await asked.prints(/\[y\/N\]/);
    await first.release();
    const next = await dvmrp.takeInterfaceOwnership({ ifIndex: 7 });
    asked.write('y\n');
    expect(await asked.ended()).toMatchObject({ code: 1 });
    await asked.prints(/; the owner has changed in the meantime: check with mgmctl owner/);
    const holder = await router.mgm.getProtocolOnInterface({ ifIndex: 7 });
    expect(holder).toMatchObject({ name: 'dvmrp-1', epoch: next.epoch });
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

describe('mgmctl audit', () => {
  it('shows the actions of operators and their refused attempts', async () => {
    await using router = await stage.router();
    expect(await router.run(['audit'])).toEqual({
      code: 0,
      stdout: '',
      stderr: `no action of an operator in the log of router ${router.name}\n`,
    });
    const pim = await router.register(PIM, 'pim-1');
    const { epoch } = await pim.takeInterfaceOwnership({ ifIndex: 7, nextHop: '10.0.0.1' });
    const by = ['--actor', 'alice@noc', '--yes'];
    await router.run(['release', '7', '10.0.0.1', ...WHY, ...by]);
    await router.run(['evict', '12345', '--why', 'hangs', ...by]);
    await router.run(['evict', String(pim.id), '--why', 'hangs', ...by]);
    const { code, stdout } = await router.run(['audit']);
    expect(code).toBe(0);
    const target = `PIM/1  session ${pim.id}`;
    expect(stdout.replaceAll(/^.{23} {2}/gm, '').split('\n')).toEqual([
      `no 1  released       rev 3  7 via 10.0.0.1  ${target}  epoch ${epoch}  by alice@noc  (${WHY[1]})`,
      'no 2  refused        admin.evict: not-found  session 12345  by alice@noc  (hangs)',
      expect.stringMatching(
        /^no 3 {2}evicted {8}rev \d+ {2}PIM\/1 {2}session \d+ {2}by alice@noc {2}\(hangs\)$/,
      ),
      '',
    ]);
    const later = objects((await router.run(['audit', '--from', '2', '--json'])).stdout);
    expect(later).toEqual([
      expect.objectContaining({ number: 3, type: 'evicted', actor: 'alice@noc' }),
    ]);
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
