import { newRouterName, noTerminal } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { descendants, stillRunning } from './support/processes.ts';
import { Started } from './support/started.ts';

const CTRL_C = '\u0003';

describe('npm start on a terminal', { timeout: 60_000 }, () => {
  it('paints a table over itself, and Ctrl-C stops everything in order', async (ctx) => {
    ctx.skip(noTerminal() !== undefined, noTerminal());
    await using started = await Started.onTerminal(['--router', newRouterName()]);
    await started.ready();
    await started.prints(/interface +.*owner +.*epoch/);
    await started.prints(/PIM #\d{5}/);
    await started.prints(/restarted 1×/, 20_000);
    const processes = process.platform === 'linux' ? descendants(started.pid) : [];
    // A terminal sends it to every process of its foreground group, not only to the one that should decide.
    started.process.stdin?.write(CTRL_C);
    expect(await started.ended(12_000)).toBe(0);
    expect(stillRunning(processes)).toEqual([]);
    // Those of the frames; what comes before them is printed once and may wrap.
    const lines = started.lines.slice(
      started.lines.findIndex((line) => line.startsWith('ready nats=')),
    );
    expect(lines.filter((line) => line.length > 100)).toEqual([]);
    // What it shows last: the workers gave everything back while they were still served. Only lines that changed are painted.
    expect(lines.findLast((line) => /^rev \d/.test(line))).toContain('deregistered');
    expect(lines.findLast((line) => line.startsWith('1 '))).toMatch(/^1 +free$/);
    expect(await started.leftElsewhere()).toEqual([]);
  });
});
