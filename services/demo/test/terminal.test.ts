import { readFileSync } from 'node:fs';
import { eventually, newRouterName, noTerminal } from '@mgm/test-support';
import { describe, expect, it } from 'vitest';
import { descendants, stillRunning } from './support/processes.ts';
import { Started } from './support/started.ts';

const CTRL_C = '\u0003';

/** Values of the lines, and what stands for them in a shape. */
const VALUES: readonly (readonly [RegExp, string])[] = [
  [/\b(nats|redis):\/\/\S+/g, 'URL'],
  [/^router \S+/, 'router NAME'],
  [/\b\d\d:\d\d:\d\d\b/g, 'TIME'],
  [/\b\d+\.\d+\.\d+\.\d+\b|(?<= )\*(?= )/g, 'ADDRESS'],
  [/\b(PIM|DVMRP|IGMP)(?= #|:)/g, 'PROTOCOL'],
  [/[\d.]+/g, 'N'],
  [/\bN via ADDRESS\b/g, 'N'],
  [/(?<=: )[A-Z_]+ N(, [A-Z_]+ N)*$/, 'ALERTS'],
  [/(?<=ADDRESS +)N(, N)*$/, 'INTERFACES'],
  [/\b(taken|released)\b/, 'CHANGE'],
  [/ +/g, ' '],
];

/** The lines with their values replaced, so that two runs of the demo have the same. */
function shapesOf(lines: readonly string[]): ReadonlySet<string> {
  const shapes = lines.map((line) =>
    VALUES.reduce((text, [value, name]) => text.replace(value, name), line.trim()),
  );
  return new Set(shapes);
}

/** What `npm start` prints on a terminal, as README.md shows it. */
function linesOfReadme(): string[] {
  const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  const [, sample = ''] = /^```text\n(ready .*?)^```/ms.exec(readme) ?? [];
  return sample.split('\n').filter((line) => line !== '');
}

describe('npm start on a terminal', () => {
  it('updates a table in place, and Ctrl-C stops everything in order', async (ctx) => {
    ctx.skip(noTerminal() !== undefined, noTerminal());
    await using started = await Started.onTerminal(['--router', newRouterName()]);
    await started.ready();
    await started.prints(/interface +.*owner +.*epoch/);
    await started.prints(/PIM #\d{5}/);
    await started.prints(/restarted 1×/);
    await started.prints(/group +source +interfaces/);
    await started.prints(/alerts to (PIM|DVMRP): (JOIN|LOCAL_JOIN) \d/);
    const shown = shapesOf(linesOfReadme());
    expect(shown.size).toBeGreaterThan(10);
    await eventually(() => expect([...shown.difference(shapesOf(started.lines))]).toEqual([]), {
      withinMs: 30_000,
    });
    const processes = process.platform === 'linux' ? descendants(started.pid) : [];
    // A terminal sends it to every process of its foreground group.
    started.process.stdin?.write(CTRL_C);
    expect(await started.ended()).toBe(0);
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
