import { describe, expect, it } from 'vitest';
import { Phases } from './phases.ts';

describe('a phase of a run', () => {
  it('is printed when it begins, and resolves to the result of its task', async () => {
    const lines: string[] = [];
    const phases = new Phases((line) => lines.push(line));
    const run = phases.run('collect evidence', 30_000, async () => {
      expect(lines).toEqual(['collect evidence']);
      return 7;
    });
    await expect(run).resolves.toBe(7);
  });

  it('rejects with its name, and prints it, when its task exceeds the limit', async () => {
    const lines: string[] = [];
    const phases = new Phases((line) => lines.push(line));
    const late = '"collect evidence" did not end within 0.02 s';
    await expect(phases.run('collect evidence', 20, () => new Promise(() => {}))).rejects.toThrow(
      late,
    );
    expect(lines).toEqual(['collect evidence', late]);
  });

  it('rejects with the error of its task', async () => {
    const phases = new Phases(() => {});
    const task = async (): Promise<never> => {
      throw new Error('no manager serves');
    };
    await expect(phases.run('collect evidence', 30_000, task)).rejects.toThrow('no manager serves');
  });
});
