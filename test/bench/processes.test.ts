import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { CpuMeter } from './processes.ts';

it('measures the CPU time of a process that needs less than a clock tick', async () => {
  const cat = spawn('cat', { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    await once(cat, 'spawn');
    const echo = async (): Promise<void> => {
      cat.stdin.write('line\n');
      await once(cat.stdout, 'data');
    };
    await echo();
    const meter = new CpuMeter({ cat: [cat.pid ?? 0] });
    // The kernel accounts for the first of these when it lets the process wait for the second.
    await echo();
    await echo();
    expect(meter.usedMs('cat')).toBeGreaterThan(0);
    expect(meter.usedMs('cat')).toBeLessThan(1000);
  } finally {
    cat.kill();
  }
});
