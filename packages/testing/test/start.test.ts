import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { startRouter } from '@mgm/testing';
import { expect, inject, it } from 'vitest';

const servers = inject('servers');

/** 14 were measured. Without Node's compile cache it is 27. */
const EMPTY_PROGRAMS_MAX = 20;
const STARTS = 4;

/**
 * The half second that a router takes to start on a quiet machine is the CPU time of its manager. CPU time does not depend on
 * the programs that run at the same time as the duration does, and that of an empty program says how fast this machine is.
 */
it(`starts a manager in the CPU time of at most ${EMPTY_PROGRAMS_MAX} empty Node programs`, async (context) => {
  context.skip(!existsSync('/proc/self/stat'), 'needs /proc, of Linux');
  // The first manager may be the first one ever on this machine: it fills the compile cache.
  await using router = await startRouter({ servers });
  const ratios: number[] = [];
  for (let start = 0; start < STARTS; start++) {
    const { pid } = await router.addManager();
    ratios.push(cpuMsOf(pid) / (await cpuMsOfEmptyProgram()));
  }
  const best = Math.min(...ratios);
  expect(best).toBeGreaterThan(1);
  expect(best, `all: ${ratios.join(', ')}`).toBeLessThan(EMPTY_PROGRAMS_MAX);
});

/** Fields of `/proc/<pid>/stat` after the name of the program: time in user mode and in the kernel, in hundredths of a second. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function cpuMsOfEmptyProgram(): Promise<number> {
  const program = 'const { user, system } = process.cpuUsage(); console.log(user + system)';
  const { stdout } = await promisify(execFile)(process.execPath, ['--eval', program]);
  return Number(stdout) / 1_000;
}
