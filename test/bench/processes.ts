import { readFileSync } from 'node:fs';

/** The unit of times in `/proc/<pid>/stat`: Linux shows them to programs in hundredths, whatever its own tick is. */
const MS_PER_TICK = 10;
/** Places after the name of the program, which stands in brackets and may hold anything. */
const UTIME = 11;
const STIME = 12;

/** CPU time that a process has used since it began, in ms, in user and in kernel mode. Linux only. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[UTIME]) + Number(fields[STIME])) * MS_PER_TICK;
}

/** Memory of a process that is in RAM now, in bytes. Linux only. */
export function residentBytesOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmRSS`);
  return Number(kilobytes) * 1024;
}

/** Says how much of a core the processes of each name use together, from its making on. */
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

  /** 0.1 is a tenth of a core, on average since the start. */
  coresOf(name: Name): number {
    return this.usedMs(name) / (performance.now() - this.#startedMono);
  }
}
