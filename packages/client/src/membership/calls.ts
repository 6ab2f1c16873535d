import type { InterfaceKey } from '@mgm/protocol';
import { MgmError, type ErrorOrigin } from '../errors.ts';
import { readSettingsRef } from '../interfaces/refs.ts';
import type { InterfaceSettingsRef, SettingsChange } from '../interfaces/refs.ts';
import type { CallOptions } from '../options.ts';
import type { Context } from '../rpc/context.ts';
import type { SessionLife } from '../session/life.ts';
import type { MembershipChange } from './changes.ts';
import { readFilterRef, type GroupFilterChange, type GroupFilterRef } from './filters.ts';
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
    const origin = { operation, router: this.#context.router };
    const { key, entry } = readRef(ref, origin);
    return this.#inTurn({ ...origin, interface: key }, options, (limits) =>
      this.#life.current().interfaces.change(operation, key, entry, group, limits),
    );
  }

  /** Throws as {@link change}. */
  setFilter(ref: GroupFilterRef, options: CallOptions): Promise<GroupFilterChange> {
    const origin = { operation: 'member.set', router: this.#context.router } as const;
    const { key, entry, filter } = readFilterRef(ref, origin);
    return this.#inTurn({ ...origin, interface: key }, options, (limits) =>
      this.#life.current().interfaces.setFilter(key, entry, filter, limits),
    );
  }

  /** Throws as {@link change}. */
  setSettings(ref: InterfaceSettingsRef, options: CallOptions): Promise<SettingsChange> {
    const origin = { operation: 'interface.set', router: this.#context.router } as const;
    const { key, settings } = readSettingsRef(ref, origin);
    return this.#inTurn({ ...origin, interface: key }, options, (limits) =>
      this.#life.current().interfaces.setSettings(key, settings, limits),
    );
  }

  /** Begins the call now, after those that were made before it, or after what is on record was added again. */
  #inTurn<Result>(
    origin: ErrorOrigin & { readonly interface: InterfaceKey },
    options: CallOptions,
    begin: (options: CallOptions) => Promise<Result>,
  ): Promise<Result> {
    const { upkeep } = this.#life;
    const { interface: key } = origin;
    if (this.#mustWait(key)) return upkeep.wait(key, origin, options, begin);
    upkeep.releaseEarlier(key);
    return begin(options);
  }

  #mustWait(key: InterfaceKey): boolean {
    const { state, upkeep } = this.#life;
    return state === 'recovering' || (state !== 'over' && upkeep.isWaiting(key));
  }

  /** Rejects only if the session is over. */
  async changeAll(
    operation: Operation,
    refs: readonly MembershipRef[],
    group: number,
    options: CallOptions,
  ): Promise<MembershipResult[]> {
    if (this.#life.state !== 'recovering') this.#life.current();
    const changes = refs.map((ref) => attempt(() => this.change(operation, ref, group, options)));
    return await Promise.all(changes);
  }

  /** Rejects with {@link MgmError} `session-lost` when the registration is over with which it began. */
  async *enumerate(
    options: GroupOptions,
  ): AsyncGenerator<ListedEntry | ListedGroup, void, undefined> {
    const registration = this.#life.current();
    const { handle, alerts } = registration;
    const { signal: ended } = registration;
    const signal = options.signal ? AbortSignal.any([ended, options.signal]) : ended;
    const read = alerts.open();
    registration.wake();
    try {
      for await (const page of groupPages(this.#context, { ...options, signal }, handle)) {
        const entries = page.items.filter(isEntry);
        read.page(entries, page.mailbox);
        for (const item of page.items) {
          registration.check();
          ended.throwIfAborted();
          yield isEntry(item) ? read.see(item) : item;
        }
      }
      if (options.type !== 'any') read.complete();
    } catch (error) {
      throw registration.over() ?? error;
    } finally {
      alerts.close(read);
    }
  }
}

function isEntry(item: ListedEntry | ListedGroup): item is ListedEntry {
  return 'source' in item;
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
