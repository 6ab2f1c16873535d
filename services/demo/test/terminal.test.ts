import { newRouterName, noTerminal } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { descendants, stillRunning } from './support/processes.ts';
import { Started } from './support/started.ts';

const CTRL_C = '\u0003';

describe('npm start on a terminal', { timeout: 60_000 }, () => {
  it('updates a table in place, and Ctrl-C stops everything in order', async (ctx) => {
    ctx.skip(noTerminal() !== undefined, noTerminal());
    await using started = await Started.onTerminal(['--router', newRouterName()]);
    await started.ready();
    await started.prints(/interface +.*owner +.*epoch/);
    await started.prints(/PIM #\d{5}/);
    await started.prints(/restarted 1×/, 20_000);
    await started.prints(/group +source +interfaces/, 20_000);
    await started.prints(/alerts to (PIM|DVMRP): (JOIN|LOCAL_JOIN) \d/, 20_000);
    const processes = process.platform === 'linux' ? descendants(started.pid) : [];
    // A terminal sends it to every process of its foreground group.
    started.process.stdin?.write(CTRL_C);
    expect(await started.ended(12_000)).toBe(0);
    expect(stillRunning(processes)).toEqual([]);
    // The lines of the frames; earlier output is printed once and may wrap.
    const lines = started.lines.slice(
      started.lines.findIndex((line) => line.startsWith('ready nats=')),
    );
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
    // The last frame: the workers gave everything back while managers still served. Only changed lines are written.
    expect(lines.findLast((line) => /^rev \d/.test(line))).toContain('deregistered');
    expect(lines.findLast((line) => line.startsWith('1 '))).toMatch(/^1 +free$/);
    expect(await started.leftElsewhere()).toEqual([]);
  });
});
