import { eventually, newRouterName, startStopwatch } from '@mgm/test-support';
import { describe, expect, inject, it } from 'vitest';
import { descendants, type ProcessId, stillRunning } from './support/processes.ts';
import { Started } from './support/started.ts';

const NO_PROC = 'the processes of a run are found in /proc, which this system does not have';
const isLinux = process.platform === 'linux';

/** Two managers, three workers, the console, and the servers if they are processes. */
function expectedProcesses(): number {
  return 6 + (inject('servers').source === 'process' ? 2 : 0);
}

function pidOf(processes: readonly ProcessId[], command: string): number {
  const found = processes.find((candidate) => candidate.command.includes(command));
  if (!found) throw new Error(`no ${command} among ${JSON.stringify(processes)}`);
  return found.pid;
}

async function allRunning(started: Started): Promise<ProcessId[]> {
  await started.ready();
  await started.prints(/ taken .*\n[^]* taken /);
  const processes = descendants(started.pid);
  expect(processes).toHaveLength(expectedProcesses());
  return processes;
}

describe('the end of npm start', () => {
  it('is in order: workers give everything back while managers still serve', async () => {
    await using started = await Started.with(['--router', newRouterName()]);
    await started.ready();
    for (const name of ['PIM', 'DVMRP', 'IGMP']) {
      await started.prints(new RegExp(` registered protocol=${name} `));
    }
    const processes = isLinux ? descendants(started.pid) : [];
    expect(await started.endBy('SIGINT')).toBe(0);
    expect(stillRunning(processes)).toEqual([]);
    // A worker that is restarted according to plan registers and deregisters more than once.
    const [registered = [], deregistered = []] = [/ registered /g, / deregistered /g].map(
      (event) => started.output.match(event) ?? [],
    );
    expect(deregistered).toHaveLength(registered.length);
  });

  it.each(['SIGTERM', 'SIGHUP'] as const)('follows %s, too', async (signal) => {
    await using started = await Started.with(['--no-demo', '--managers', '1']);
    await started.ready();
    const processes = isLinux ? descendants(started.pid) : [];
    expect(await started.endBy(signal)).toBe(0);
    expect(stillRunning(processes)).toEqual([]);
  });

  it('ends a child that hangs', async (ctx) => {
    ctx.skip(!isLinux, NO_PROC);
    await using started = await Started.with(['--router', newRouterName()]);
    const processes = await allRunning(started);
    for (const command of ['worker.ts --protocol PIM', 'manager/src/main.ts']) {
      process.kill(pidOf(processes, command), 'SIGSTOP');
    }
    expect(await started.endBy('SIGINT')).toBe(0);
    expect(stillRunning(processes)).toEqual([]);
  });

  it('is immediate at a second Ctrl-C', async (ctx) => {
    ctx.skip(!isLinux, NO_PROC);
    await using started = await Started.with(['--router', newRouterName()]);
    const processes = await allRunning(started);
    // No manager answers the workers, so they retry, and the parent waits for them.
    for (const { pid, command } of processes) {
      if (command.includes('manager/src/main.ts')) process.kill(pid, 'SIGSTOP');
    }
    started.process.kill('SIGINT');
    await eventually(() => expect(started.errors).toContain('Ctrl-C again'), { withinMs: 30_000 });
    // A second signal right after the first one does not count, since npm forwards signals.
    const again = setInterval(() => started.process.kill('SIGINT'), 50);
    using watch = startStopwatch();
    expect(await started.ended().finally(() => clearInterval(again))).toBe(130);
    // It gives up waiting for killed processes after 3 s.
    expect(watch.elapsedMs()).toBeLessThan(3_000);
    expect(stillRunning(processes)).toEqual([]);
    expect(await started.leftElsewhere()).toEqual([]);
  });

  it('leaves no process behind when it is killed', async (ctx) => {
    ctx.skip(!isLinux, NO_PROC);
    await using started = await Started.with(['--router', newRouterName()]);
    const processes = await allRunning(started);
    expect(await started.endBy('SIGKILL')).toBe('SIGKILL');
    await eventually(() => expect(stillRunning(processes)).toEqual([]), { withinMs: 30_000 });
  });

  it('is possible during the start', async () => {
    await using started = await Started.with(['--router', newRouterName()]);
    await eventually(() => expect(started.errors).toContain('data and logs'), { withinMs: 30_000 });
    expect(await started.endBy('SIGINT')).toBe(0);
    expect(started.output).not.toContain('taken');
    expect(await started.leftElsewhere()).toEqual([]);
  });

  it('follows the loss of the reader of its output', async () => {
    await using started = await Started.with(['--router', newRouterName()]);
    await started.ready();
    started.process.stdout?.destroy();
    expect(await started.ended()).toBe(0);
  });

  it('restarts a killed manager and a killed worker, and says so', async (ctx) => {
    ctx.skip(!isLinux, NO_PROC);
    await using started = await Started.with(['--router', newRouterName()]);
    const processes = await allRunning(started);
    for (const [name, command] of [
      ['manager-1', 'manager/src/main.ts'],
      ['PIM', 'worker.ts --protocol PIM'],
    ] as const) {
      process.kill(pidOf(processes, command), 'SIGKILL');
      const told = new RegExp(`${name} ended \\(SIGKILL\\)[^]*${name} was restarted`);
      await eventually(() => expect(started.errors).toMatch(told), { withinMs: 30_000 });
    }
    // It takes over the session of its predecessor with all its interfaces.
    await started.prints(/ resumed protocol=PIM .*previous=/);
    expect(await started.endBy('SIGINT')).toBe(0);
    expect(stillRunning(processes)).toEqual([]);
  });

  it('restarts a killed server with every acknowledged change', async (ctx) => {
    ctx.skip(!isLinux, NO_PROC);
    const { source } = inject('servers');
    ctx.skip(source !== 'process', 'servers in containers or given by URL are left alone');
    await using started = await Started.with(['--router', newRouterName(), '--json']);
    await started.prints(/"rev":8,/, 60_000);
    const processes = descendants(started.pid);
    process.kill(pidOf(processes, 'redis-server'), 'SIGKILL');
    await eventually(() => expect(started.errors).toContain('was restarted'), {
      withinMs: 30_000,
    });
    const { length } = started.output;
    await eventually(() => expect(started.output.slice(length)).toContain('"taken"'), {
      withinMs: 30_000,
    });
    expect(started.output).not.toContain('store-reset');
    expect(await started.endBy('SIGINT')).toBe(0);
  });
});
