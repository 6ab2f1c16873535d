import type { EventMessage, InterfaceItem, Mgm } from '@mgm/client';
import { machineMonoMs } from '../../faults/worker-talk.ts';

/** An event as a watcher received it. */
export interface Seen {
  readonly mono: number;
  readonly event: EventMessage;
}

/** One log as a watcher saw it: a snapshot, if it began with one, and the events after it. */
export interface SeenLog {
  /** The revision of the snapshot, or 0 without one. */
  readonly from: number;
  readonly reason: string | undefined;
  readonly snapshot: readonly InterfaceItem[];
  readonly events: Seen[];
}

/** Watches one router for the whole run. */
export class Watcher implements AsyncDisposable {
  readonly name: string;
  readonly router: string;
  /** Its logs in order; a second one exists when the store lost the first. */
  readonly logs: SeenLog[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(name: string, mgm: Mgm) {
    this.name = name;
    this.router = mgm.router;
    this.#done = this.#follow(mgm);
    // A failure is reported when it is disposed.
    this.#done.catch(() => {});
  }

  /** The last revision of the present log. */
  get rev(): number {
    const log = this.logs.at(-1);
    return log?.events.at(-1)?.event.rev ?? log?.from ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  async #follow(mgm: Mgm): Promise<void> {
    const { signal } = this.#stop;
    for await (const sighting of mgm.watch({ from: 0, signal })) {
      const mono = machineMonoMs();
      if (sighting.kind === 'snapshot') {
        const { rev, reason, interfaces } = sighting;
        this.logs.push({ from: rev, reason, snapshot: interfaces, events: [] });
      }
      if (sighting.kind !== 'event') continue;
      if (this.logs.length === 0) {
        this.logs.push({ from: 0, reason: undefined, snapshot: [], events: [] });
      }
      this.logs.at(-1)?.events.push({ mono, event: sighting.event });
    }
  }
}
