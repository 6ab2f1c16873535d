import { readdirSync, readFileSync } from 'node:fs';

/** A process, distinguishable from a later one with the same id. */
export interface ProcessId {
  readonly pid: number;
  /** In clock ticks since boot. */
  readonly started: string;
  /** Its program and arguments. */
  readonly command: string;
}

interface Stat extends ProcessId {
  readonly parent: number;
  readonly isZombie: boolean;
}

/** The present descendants of a process. Reads `/proc`, so it works on Linux only. */
export function descendants(of: number): ProcessId[] {
  const all = readdirSync('/proc').flatMap((name) => statOf(Number(name)) ?? []);
  const found = new Set([of]);
  for (let size = 0; size < found.size;) {
    size = found.size;
    for (const { pid, parent } of all) if (found.has(parent)) found.add(pid);
  }
  found.delete(of);
  return all.filter(({ pid }) => found.has(pid));
}

/** Those that are still running, without zombies. */
export function stillRunning(processes: readonly ProcessId[]): number[] {
  return processes
    .filter(({ pid, started }) => {
      const now = statOf(pid);
      return now !== undefined && now.started === started && !now.isZombie;
    })
    .map(({ pid }) => pid);
}

/** proc(5): the name is in parentheses and may contain anything. */
function statOf(pid: number): Stat | undefined {
  if (!Number.isInteger(pid)) return undefined;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const [state, parent = ''] = fields;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    const started = fields[19] ?? '';
    return { pid, parent: Number(parent), started, command, isZombie: state === 'Z' };
  } catch {
    return undefined;
  }
}
