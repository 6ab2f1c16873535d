import type { ClientNumber, EntryNumber, Fact } from './machine.ts';

/** What a client knows about one entry: whether another client wants it. */
interface Belief {
  /** Undefined before the first listing of a session, and after a RESYNC until the next one. */
  readonly isWanted: boolean | undefined;
  /** The next alert may repeat what is known: the client listed the entry while it had withdrawn memberships. */
  readonly mayRepeat: boolean;
}

const UNKNOWN: Belief = { isWanted: undefined, mayRepeat: false };

/** What each client knows from its last listing and later alerts, if it reads its mailbox to the end. */
export class Beliefs {
  #all: readonly { readonly client: ClientNumber; readonly beliefs: readonly Belief[] }[] = [];
  readonly #entries: number;

  constructor(entries: number) {
    this.#entries = entries;
  }

  clone(): Beliefs {
    const copy = new Beliefs(this.#entries);
    copy.#all = this.#all;
    return copy;
  }

  /** Whether another client wants the entry; undefined where the client does not know. */
  isWanted(client: ClientNumber, entry: EntryNumber): boolean | undefined {
    return this.#of(client, entry).isWanted;
  }

  /** A listing that a client reads: alerts written before it no longer matter. */
  list(client: ClientNumber, entry: EntryNumber, isWanted: boolean, isSettled: boolean): void {
    this.#set(client, entry, { isWanted, mayRepeat: !isSettled });
  }

  /** A new session, a RESYNC, or the end of a session. */
  forget(client: ClientNumber): void {
    this.#all = this.#all.filter((one) => one.client !== client);
  }

  /** Applies an alert. Returns how it breaks V2, if it does. */
  hear(fact: Fact): string | undefined {
    if (fact.type === 'RESYNC') this.forget(fact.to);
    if (fact.type !== 'JOIN_ALERT' && fact.type !== 'PRUNE_ALERT') return undefined;
    const isWanted = fact.type === 'JOIN_ALERT';
    const belief = this.#of(fact.to, fact.entry);
    if (belief === UNKNOWN) return undefined;
    this.#set(fact.to, fact.entry, { isWanted, mayRepeat: false });
    if (belief.mayRepeat || belief.isWanted !== isWanted) return undefined;
    return `V2: ${fact.type} of entry ${fact.entry} to client ${fact.to}, which knows it`;
  }

  /** An entry without withdrawn memberships: what a listing showed is all there is to know. */
  settle(entry: EntryNumber): void {
    for (const { client, beliefs } of this.#all) {
      const belief = beliefs[entry];
      if (belief?.mayRepeat) this.#set(client, entry, { ...belief, mayRepeat: false });
    }
  }

  /** For comparing states. */
  keyOf(client: ClientNumber): string {
    let key = '';
    for (let entry = 0; entry < this.#entries; entry++) {
      const { isWanted, mayRepeat } = this.#of(client, entry);
      key += (isWanted === undefined ? '?' : isWanted ? 'w' : '-') + (mayRepeat ? 'r' : '');
    }
    return key;
  }

  #of(client: ClientNumber, entry: EntryNumber): Belief {
    return this.#all.find((one) => one.client === client)?.beliefs[entry] ?? UNKNOWN;
  }

  #set(client: ClientNumber, entry: EntryNumber, belief: Belief): void {
    const at = this.#all.findIndex((one) => one.client === client);
    const beliefs =
      this.#all[at]?.beliefs ?? Array.from({ length: this.#entries }, (): Belief => UNKNOWN);
    const changed = { client, beliefs: beliefs.with(entry, belief) };
    this.#all = at < 0 ? [...this.#all, changed] : this.#all.with(at, changed);
  }
}
