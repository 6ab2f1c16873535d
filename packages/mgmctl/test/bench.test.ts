import { describe, expect, it } from 'vitest';
import { mgmctlStage, objects } from './stage.ts';

const stage = mgmctlStage();
const SHORT = ['bench', '--duration', '500ms', '--sessions', '2', '--in-flight', '4'];

describe('mgmctl bench', () => {
  it('measures on a router of its own and leaves no session behind', async () => {
    await using router = await stage.router();
    const { code, stdout, stderr } = await router.run(SHORT);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      /^\d+ operations in \d+\.\d s: \d+ per second \(2 sessions, 4 in flight in each\)\n/,
    );
    expect(stdout).toMatch(/^take +(\d+\.\d\d ms *){4}$/m);
    expect(stdout).toMatch(/^to [\d.]+ ms +\d+ +█+$/m);
    expect(await router.mgm.events(0)).toMatchObject({ head: 0 });
    const { stdout: left } = await router.run(['--router', 'bench-mgmctl', 'sessions', '--json']);
    expect(objects(left)).toEqual([]);
  });

  it('prints an object with --json', async () => {
    await using router = await stage.router();
    const { code, stdout } = await router.run([...SHORT, '--json']);
    expect(code).toBe(0);
    const [measured] = objects(stdout);
    expect(measured).toMatchObject({ sessions: 2, inFlight: 4 });
    expect(measured?.['operations']).toBeGreaterThan(0);
    expect(measured).toHaveProperty('take.p99Ms', expect.any(Number));
    expect(measured).toHaveProperty('release.buckets.0.upToMs', expect.any(Number));
  });

  it('shows its progress on a terminal and prints the result so far at Ctrl-C', async () => {
    await using router = await stage.router();
    await using running = router.onTerminal(['bench', '--duration', '60s', '--sessions', '1']);
    await running.prints(/·+ {2}[1-9]\d* operations\/s/);
    running.write('\u0003');
    expect(await running.ended()).toMatchObject({ code: 130 });
    await running.prints(/\d+ operations in \d+\.\d s: \d+ per second/);
  });

  it('refuses any other router', async () => {
    await using router = await stage.router();
    expect(await router.run([...SHORT, '--router', router.name])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('bench puts load on routers bench-… only'),
    });
    expect(await router.mgm.events(0)).toMatchObject({ head: 0 });
  });
});
