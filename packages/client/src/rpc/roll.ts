/** Who can be on a {@link Roll}, one at a time. */
export interface RollMember {
  /** The roll's own: where it stands there; `undefined` where it does not. */
  place?: number | undefined;
}

/**
 * Who is there at the moment, in no order. A `Set` would hash each one twice, and has the trouble of {@link BriefMap} where
 * they come and go all the time.
 */
export class Roll<Member extends RollMember> implements Iterable<Member> {
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  has({ place }: Member): boolean {
    return place !== undefined;
  }

  /** Does nothing where it is there already. */
  add(member: Member): void {
    member.place ??= this.#members.push(member) - 1;
  }

  /** Says whether it was there. */
  delete(member: Member): boolean {
    const { place } = member;
    if (place === undefined) return false;
    const last = this.#members.pop();
    if (last && last !== member) {
      this.#members[place] = last;
      last.place = place;
    }
    member.place = undefined;
    return true;
  }

  /** While somebody goes through it, nobody may enter or leave. */
  [Symbol.iterator](): IterableIterator<Member> {
    return this.#members.values();
  }
}
