import { connect, type Mgm } from '@mgm/client';
import { inject } from 'vitest';

/** Why a test of several servers has to be skipped; `undefined` where they can be started. */
export function noTopologies(): string | undefined {
  const { redis, nats } = inject('servers');
  const isOurs = redis.kind === 'process' && nats.kind === 'process';
  return isOurs ? undefined : 'groups of servers run as processes only';
}

/** A client whose deadline is longer than a failover. */
export function clientOf(natsUrl: string, router: string): Promise<Mgm> {
  return connect({ servers: natsUrl, router, timeoutMs: 500, deadlineMs: 20_000 });
}

/** Takes one interface after the other until `end` is called. */
export class Takes {
  /** The epoch of each interface taken, by its index, in order. */
  readonly epochs: bigint[] = [];
  /** The longest time, in ms, between two replies. */
  longestPauseMs = 0;
  readonly #ending = new AbortController();
  readonly #done: Promise<void>;

  private constructor(session: Awaited<ReturnType<Mgm['registerProtocol']>>) {
    this.#done = this.#run(session);
  }

  /** Registers a session and starts taking. */
  static async of(mgm: Mgm, componentId = 1): Promise<Takes> {
    return new Takes(await mgm.registerProtocol({ protocolId: 103, componentId }));
  }

  /** Waits until `count` more interfaces were taken. */
  async more(count: number): Promise<void> {
    const enough = this.epochs.length + count;
    while (this.epochs.length < enough) {
      await Promise.race([this.#done, new Promise((resolve) => setTimeout(resolve, 10))]);
    }
  }

  /** Ends after the pending take. Rejects with the error of a failed one. */
  async end(): Promise<void> {
    this.#ending.abort();
    await this.#done;
  }

  async #run(session: Awaited<ReturnType<Mgm['registerProtocol']>>): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const askedMono = performance.now();
      const { epoch } = await session.takeInterfaceOwnership({ ifIndex: this.epochs.length + 1 });
      this.longestPauseMs = Math.max(this.longestPauseMs, performance.now() - askedMono);
      this.epochs.push(BigInt(epoch));
    }
  }
}

/** The epochs of all owned interfaces of the router, in the order of their indexes. */
export async function heldOf(mgm: Mgm): Promise<bigint[]> {
  const held: (readonly [ifIndex: number, epoch: bigint])[] = [];
  for await (const { ifIndex, epoch } of mgm.interfaces()) held.push([ifIndex, BigInt(epoch)]);
  return held.sort(([a], [b]) => a - b).map(([, epoch]) => epoch);
}

/** Whether each epoch is above the one before. */
export function isRising(epochs: readonly bigint[]): boolean {
  return epochs.every((epoch, at) => at === 0 || epoch > (epochs[at - 1] ?? epoch));
}
