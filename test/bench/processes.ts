import { readdirSync, readFileSync } from 'node:fs';

const NS_PER_MS = 1e6;

/**
 * The CPU time of each thread of a process since its start, in ms, in user and in kernel mode. Linux only. `/proc/<pid>/stat`
 * would round to 10 ms, more than a short load takes.
 */
function cpuMsOfThreads(pid: number): Map<string, number> {
  const dir = `/proc/${pid}/task`;
  const msOf = (thread: string): number => {
    const stat = readFileSync(`${dir}/${thread}/schedstat`, 'utf8');
    return Number(stat.split(' ')[0]) / NS_PER_MS;
  };
  return new Map(readdirSync(dir).map((thread) => [thread, msOf(thread)]));
}

/** The resident memory of a process, in bytes. Linux only. */
export function residentBytesOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kilobytes === undefined) throw new Error(`process ${pid} has no VmRSS`);
  return Number(kilobytes) * 1024;
}

/** Measures the CPU time of groups of processes, from its construction on. Threads that end meanwhile do not count. */
export class CpuMeter<Name extends string> {
  readonly #pids: Readonly<Record<Name, readonly number[]>>;
  readonly #before: ReadonlyMap<number, ReadonlyMap<string, number>>;
  readonly #startedMono = performance.now();

  constructor(pids: Readonly<Record<Name, readonly number[]>>) {
    this.#pids = pids;
    const all = Object.values<readonly number[]>(pids).flat();
    this.#before = new Map(all.map((pid) => [pid, cpuMsOfThreads(pid)]));
  }

  /** CPU time since the start, in ms. */
  usedMs(name: Name): number {
    return this.#pids[name].reduce((sum, pid) => sum + this.#usedMsOf(pid), 0);
  }

  #usedMsOf(pid: number): number {
    const before = this.#before.get(pid);
    const usedMs = [...cpuMsOfThreads(pid)].map(([thread, ms]) => ms - (before?.get(thread) ?? 0));
    return usedMs.reduce((sum, ms) => sum + ms, 0);
  }

  /** The average share of a core since the start: 0.1 is a tenth. */
  coresOf(name: Name): number {
    return this.usedMs(name) / (performance.now() - this.#startedMono);
  }
}
