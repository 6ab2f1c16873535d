import { compare, type Raw } from '../membership/side-by-side.ts';

/** A push, or a message of the `fib` log. */
export interface Push {
  readonly first: number;
  readonly items: readonly (readonly unknown[])[];
}

/** What an agent reads from managers. */
interface Reads {
  fib(from: number): Promise<readonly Push[]>;
  /** Every page of `mfe.list`; the `frev` of each is that of its instant. */
  list(): Promise<readonly { readonly frev: number; readonly items: readonly Raw[] }[]>;
}

/**
 * A forwarder agent that follows section 8.2 of the forwarding contract, without time: it attaches by a listing, applies pushes
 * in the order of their numbers, and reads `fib` where it finds a gap.
 */
export class Agent {
  readonly #reads: Reads;
  readonly #table = new Map<string, Raw>();
  /** The highest epoch that it has seen of each incoming interface. They survive a restart of the session. */
  readonly #epochs = new Map<string, bigint>();
  /** Undefined until it is attached. */
  #frev: number | undefined;

  constructor(reads: Reads) {
    this.#reads = reads;
  }

  /** The table in the order of names. */
  get entries(): Raw[] {
    return [...this.#table.values()];
  }

  /** Receives a push. One that comes before the agent is attached, or twice, changes nothing. */
  async receive(push: Push): Promise<void> {
    if (this.#frev === undefined) return;
    if (push.first > this.#frev + 1) await this.#readLog();
    this.#apply(push);
  }

  /** The agent learns the last number from `head`, and closes a gap that no later push has shown. */
  async follow(head: number): Promise<void> {
    if (this.#frev === undefined) await this.#attach();
    if (this.#frev !== head) await this.#readLog();
    compare('frev of the agent', this.#frev, head);
  }

  /** Forgets what it has, as after a flush: it attaches again. */
  restart(): void {
    this.#frev = undefined;
    this.#table.clear();
  }

  async #attach(): Promise<void> {
    const pages = await this.#reads.list();
    for (const { items } of pages) for (const mfe of items) this.#set(mfe);
    this.#frev = pages[0]?.frev ?? 0;
  }

  async #readLog(): Promise<void> {
    for (const push of await this.#reads.fib(this.#frev ?? 0)) this.#apply(push);
  }

  #apply({ first, items }: Push): void {
    for (const [at, [kind, ...rest]] of items.entries()) {
      const number = first + at;
      if (this.#frev === undefined || number <= this.#frev) continue;
      compare('number of the next change', number, this.#frev + 1);
      if (kind === 'set') this.#set(rest[0] as Raw);
      else this.#delete(rest);
      this.#frev = number;
    }
  }

  #set(mfe: Raw): void {
    const { group, source, ifIndex, nextHop, iifEpoch, incarnation } = mfe;
    const name = `${String(group)} ${String(source)}`;
    if (Number(incarnation) < Number(this.#table.get(name)?.['incarnation'] ?? 0)) return;
    const [iif, epoch] = [`${String(ifIndex)} ${String(nextHop)}`, BigInt(String(iifEpoch))];
    if (ifIndex !== 0) {
      const highest = this.#epochs.get(iif) ?? 0n;
      compare(`iifEpoch of interface ${iif} falls`, epoch < highest, false);
      this.#epochs.set(iif, epoch);
    }
    this.#table.set(name, mfe);
  }

  #delete([group, source, incarnation]: readonly unknown[]): void {
    const name = `${String(group)} ${String(source)}`;
    const known = this.#table.get(name);
    if (known && Number(known['incarnation']) <= Number(incarnation)) this.#table.delete(name);
  }
}
