import type { EventMessage, InterfaceItem, Mgm } from '@mgm/client';
import { machineMonoMs } from '../../faults/worker-talk.ts';

/** A change as a watcher was told of it. */
export interface Seen {
  readonly mono: number;
  readonly event: EventMessage;
}

/** What a watcher saw of one log: a snapshot if it began with one, and what followed. */
export interface SeenLog {
  /** The snapshot's, or 0 where it was told everything from the first change on. */
  readonly from: number;
  readonly reason: string | undefined;
  readonly snapshot: readonly InterfaceItem[];
  readonly events: Seen[];
}

/** Follows the changes of one router for as long as the run lasts. */
export class Watcher implements AsyncDisposable {
  readonly name: string;
  readonly router: string;
  /** One after the other; there is a second one where the store lost the first. */
  readonly logs: SeenLog[] = [];
  readonly #stop = new AbortController();
  readonly #done: Promise<void>;

  constructor(name: string, mgm: Mgm) {
    this.name = name;
    this.router = mgm.router;
    this.#done = this.#follow(mgm);
    // Told when it is disposed.
    this.#done.catch(() => {});
  }

  /** The last revision that it knows, of the present log. */
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
