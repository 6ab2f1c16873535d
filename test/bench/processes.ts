import { readFileSync } from 'node:fs';

/** The unit of times in `/proc/<pid>/stat`: hundredths of a second, independent of the kernel's tick. */
const MS_PER_TICK = 10;
/** Field indexes after the name of the program, which is in brackets and may contain anything. */
const UTIME = 11;
const STIME = 12;

/** The CPU time of a process since its start, in ms, in user and in kernel mode. Linux only. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[UTIME]) + Number(fields[STIME])) * MS_PER_TICK;
}

/** The resident memory of a process, in bytes. Linux only. */
export function residentBytesOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmRSS`);
  return Number(kilobytes) * 1024;
}

/** Measures the CPU time of groups of processes, from its construction on. */
export class CpuMeter<Name extends string> {
  readonly #pids: Readonly<Record<Name, readonly number[]>>;
  readonly #usedMs: Map<number, number>;
  readonly #startedMono = performance.now();

  constructor(pids: Readonly<Record<Name, readonly number[]>>) {
    this.#pids = pids;
    const all = Object.values<readonly number[]>(pids).flat();
    this.#usedMs = new Map(all.map((pid) => [pid, cpuMsOf(pid)]));
  }

  /** CPU time since the start, in ms. */
  usedMs(name: Name): number {
    const pids = this.#pids[name];
    return pids.reduce((sum, pid) => sum + cpuMsOf(pid) - (this.#usedMs.get(pid) ?? 0), 0);
  }

  /** The average share of a core since the start: 0.1 is a tenth. */
  coresOf(name: Name): number {
    return this.usedMs(name) / (performance.now() - this.#startedMono);
  }
}
