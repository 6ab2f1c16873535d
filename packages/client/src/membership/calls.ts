import { MgmError } from '../errors.ts';
import type { CallOptions } from '../options.ts';
import type { Context } from '../rpc/context.ts';
import type { SessionLife } from '../session/life.ts';
import type { MembershipChange } from './changes.ts';
import { groupPages, type GroupOptions, type ListedEntry, type ListedGroup } from './listings.ts';
import { readRef, type Membership, type MembershipRef } from './refs.ts';

/** The result for one element of `addGroupMembershipEntries` and `deleteGroupMembershipEntries`. */
export type MembershipResult =
  | { readonly kind: 'done'; readonly changed: boolean }
  | { readonly kind: 'failed'; readonly error: MgmError };

type Operation = 'member.add' | 'member.delete';

/** The membership methods of one session. */
export class MembershipCalls {
  readonly #context: Context;
  readonly #life: SessionLife;

  constructor(context: Context, life: SessionLife) {
    this.#context = context;
    this.#life = life;
  }

  get onRecord(): readonly Membership[] {
    return this.#life.state === 'over' ? [] : this.#life.memberships.all();
  }

  /** Throws {@link MgmError} for an invalid argument and for a session that is over. */
  change(
    operation: Operation,
    ref: MembershipRef,
    group: number,
    options: CallOptions,
  ): Promise<MembershipChange> {
    const { key, entry } = readRef(ref, { operation, router: this.#context.router });
    return this.#life.current().interfaces.change(operation, key, entry, group, options);
  }

  /** Rejects only if the session is over. */
  async changeAll(
    operation: Operation,
    refs: readonly MembershipRef[],
    group: number,
    options: CallOptions,
  ): Promise<MembershipResult[]> {
    this.#life.current();
    const changes = refs.map((ref) => attempt(() => this.change(operation, ref, group, options)));
    return await Promise.all(changes);
  }

  async *enumerate(
    options: GroupOptions,
  ): AsyncGenerator<ListedEntry | ListedGroup, void, undefined> {
    const registration = this.#life.current();
    const session = { handle: registration.handle, guard: () => registration.over() };
    for await (const page of groupPages(this.#context, options, session)) {
      for (const item of page.items) {
        const over = registration.over();
        if (over) throw over;
        yield item;
      }
    }
  }
}

async function attempt(change: () => Promise<MembershipChange>): Promise<MembershipResult> {
  try {
    const { changed } = await change();
    return { kind: 'done', changed };
  } catch (error) {
    if (error instanceof MgmError) return { kind: 'failed', error };
    throw error;
  }
}
