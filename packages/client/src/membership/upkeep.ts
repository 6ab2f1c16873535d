import type { IgmpCallback, InterfaceKey } from '@mgm/protocol';
import { isMgmError, MgmError, type ErrorOrigin } from '../errors.ts';
import { keyText, type SettingsRecord } from '../interfaces/refs.ts';
import type { CallOptions } from '../options.ts';
import type { Context } from '../rpc/context.ts';
import { listPatiently } from '../rpc/pages.ts';
import type { Emitter, SessionEvents } from '../session/events.ts';
import type { Registration } from '../session/registration.ts';
import { excludeText } from './filters.ts';
import { memberPages } from './listings.ts';
import { Parking } from './parking.ts';
import type { MembershipRecord } from './record.ts';
import type { Membership } from './refs.ts';

/** What the upkeep works with. */
export interface UpkeepOptions {
  readonly context: Context;
  readonly record: MembershipRecord;
  readonly settings: SettingsRecord;
  readonly events: Emitter<SessionEvents>;
  /** Whether recorded memberships are added again after a window and a recovery. */
  readonly readds: boolean;
}

/** What a recovery got back. */
export interface Regained {
  /** Interfaces with the memberships that they had. */
  readonly inherited: readonly InterfaceKey[];
  /** Interfaces that were taken again, without any membership. */
  readonly taken: readonly InterfaceKey[];
}

/**
 * Adds the recorded memberships of a session again, and sets its filters and the settings of its interfaces. Membership
 * contract, section 7.2; forwarding contract, section 12.
 *
 * - A window: from when the handler of `DISABLE_IGMP` returned until `ENABLE_IGMP` is reached, membership calls on the
 *   interface wait. When the handler of `ENABLE_IGMP` has returned, the memberships on record are added again, then the
 *   calls that wait go on. Calls that the two handlers make do not wait, because the handlers may wait for them; a call while
 *   `ENABLE_IGMP` is handled follows those that wait on its interface, which then go on before the re-adds.
 * - A recovery: settings are set again. All membership calls wait from the loss until the re-adds were issued; on inherited
 *   interfaces these are what the store lacks, and what is not on record is deleted there.
 */
export class MembershipUpkeep {
  readonly #options: UpkeepOptions;
  readonly #parking: Parking;
  /** Interfaces between `DISABLE_IGMP` and `ENABLE_IGMP`. */
  readonly #windows = new Set<string>();
  /** Interfaces after a window whose `ENABLE_IGMP` is being handled, and on which calls may wait. */
  readonly #enabling = new Set<string>();
  #isRestoring = false;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#parking = new Parking(options.context);
  }

  /** Whether a membership call on this interface has to wait. */
  isWaiting(key: InterfaceKey): boolean {
    return this.#isRestoring || this.#windows.has(keyText(key));
  }

  /** Runs `begin` after the re-adds. Rejects with {@link MgmError}. */
  wait<Result>(
    key: InterfaceKey,
    origin: ErrorOrigin,
    options: CallOptions,
    begin: (options: CallOptions) => Promise<Result>,
  ): Promise<Result> {
    return this.#parking.park(keyText(key), origin, options, begin);
  }

  /** A call on this interface begins without waiting: calls made before it go first. */
  releaseEarlier(key: InterfaceKey): void {
    if (this.#enabling.size === 0 || !this.#enabling.delete(keyText(key))) return;
    this.#parking.release(keyText(key));
  }

  /** The handler of this callback is about to be called. */
  onIgmp({ type, ...key }: IgmpCallback): void {
    if (type === 'DISABLE_IGMP') {
      if (!this.#options.readds) this.#options.record.drop(key);
    } else if (this.#windows.delete(keyText(key))) this.#enabling.add(keyText(key));
  }

  /** The handler of this callback has returned. */
  onIgmpHandled({ type, ifIndex, nextHop }: IgmpCallback, registration: Registration): void {
    if (!this.#options.readds) return;
    const key = { ifIndex, nextHop };
    if (type === 'DISABLE_IGMP') return void this.#windows.add(keyText(key));
    this.#enabling.delete(keyText(key));
    void this.#readd(registration, this.#options.record.on(key));
    this.#parking.release(keyText(key));
  }

  /** The session was lost and is being recovered. */
  lost(): void {
    this.#windows.clear();
    this.#enabling.clear();
    this.#isRestoring = true;
  }

  /** The session is over. */
  end(error: MgmError): void {
    this.#isRestoring = false;
    this.#parking.fail(error);
  }

  /** Adds again what a recovered session had on the interfaces that it got back. */
  async restore(registration: Registration, regained: Regained): Promise<void> {
    const { record, readds } = this.#options;
    const kept = new Set([...regained.inherited, ...(readds ? regained.taken : [])].map(keyText));
    for (const one of record.all()) if (!kept.has(keyText(one))) record.drop(one);
    const readding = [
      this.#resetSettings(registration, regained),
      this.#readd(
        registration,
        regained.taken.flatMap((key) => record.on(key)),
      ),
    ];
    if (regained.inherited.length > 0 && registration.hasMemberships) {
      const listed = await this.#listOwn(registration);
      if (registration.over()) return;
      readding.push(this.#reconcile(registration, regained.inherited, listed));
    }
    this.#isRestoring = false;
    this.#parking.release();
    await Promise.all(readding);
  }

  /** The record starts as what a resumed session has. Rejects with {@link MgmError}. */
  async adopt(registration: Registration, options: CallOptions): Promise<void> {
    if (!registration.hasMemberships) return;
    const { session } = registration;
    for await (const page of memberPages(this.#options.context, { ...options, session })) {
      for (const one of page.items) if (one.session === session) this.#options.record.add(one, one);
    }
  }

  /** The memberships of the session at the store; `undefined` if they can't be listed. */
  async #listOwn(registration: Registration): Promise<Membership[] | undefined> {
    const { context } = this.#options;
    const { session, signal } = registration;
    const list = () => Array.fromAsync(memberPages(context, { session, limit: 1_000, signal }));
    const pages = await listPatiently(context, list, 'memberships not listed', signal);
    const all = pages?.flatMap(({ items }) => items);
    return all?.filter((one) => one.session === session).map(membershipOf);
  }

  /** Adds what the store lacks on inherited interfaces, and deletes what is not on record. */
  async #reconcile(
    registration: Registration,
    inherited: readonly InterfaceKey[],
    listed: readonly Membership[] | undefined,
  ): Promise<void> {
    const { record, readds } = this.#options;
    const here = new Set(inherited.map(keyText));
    const present = (listed ?? []).filter((one) => here.has(keyText(one)));
    if (!readds) {
      for (const key of inherited) record.drop(key);
      for (const one of present) record.add(one, one);
      return;
    }
    const wanted = inherited.flatMap((key) => record.on(key));
    const readding = this.#readd(registration, lackingOf(wanted, present));
    const unwanted = present.filter((one) => !record.has(one, one));
    const deletes = unwanted.map((one) => registration.interfaces.deleteUnwanted(one, one));
    await Promise.allSettled([readding, ...deletes]);
  }

  async #resetSettings(registration: Registration, regained: Regained): Promise<void> {
    const { settings, events, context } = this.#options;
    const kept = new Set([...regained.inherited, ...regained.taken].map(keyText));
    const resets = settings.keys().map(async (key) => {
      if (!kept.has(keyText(key))) return settings.drop(key);
      const given = settings.get(key);
      try {
        await registration.interfaces.resetSettings(key);
      } catch (error) {
        if (!isMgmError(error)) throw error;
        // The next recovery sets them again.
        if (registration.over() || !given) return;
        settings.drop(key);
        const { message } = error;
        context.logger.warn({ router: context.router, ...key, message }, 'settings lost');
        events.emit('settings-lost', { interface: key, settings: given, error });
      }
    });
    await Promise.all(resets);
  }

  /** Filters first: they would delete what is added of their groups. */
  async #readd(registration: Registration, memberships: readonly Membership[]): Promise<void> {
    const { record } = this.#options;
    const { interfaces } = registration;
    const filters = memberships.filter(({ exclude }) => exclude !== undefined);
    const others = memberships.filter(({ exclude }) => exclude === undefined);
    const add = (one: Membership): Promise<void> => interfaces.readd(one, one);
    const setting = this.#submit(registration, filters, (one) => interfaces.resetFilter(one, one));
    const adding = this.#submit(registration, others, add);
    await setting;
    // What a handler added without waiting may have been executed before the filter.
    const late = filters.flatMap((one) => record.ofGroup(one, one.group)).filter(isExact);
    await Promise.all([adding, this.#submit(registration, late, add)]);
  }

  /** Sends a request for each membership, and reports those that are lost. */
  async #submit(
    registration: Registration,
    memberships: readonly Membership[],
    send: (one: Membership) => Promise<void>,
  ): Promise<void> {
    const { record, events, context } = this.#options;
    const adds = memberships.map(send);
    const lost = new Map<
      string,
      SessionEvents['memberships-lost'] & { memberships: Membership[] }
    >();
    for (const [at, result] of (await Promise.allSettled(adds)).entries()) {
      const one = memberships[at];
      if (result.status === 'fulfilled' || !one) continue;
      const error: unknown = result.reason;
      if (!(error instanceof MgmError)) throw error;
      // The next recovery adds them again.
      if (registration.over()) return;
      if (!record.delete(one, one)) continue;
      // An attempt may still have added it.
      if (error.outcome === 'unknown') void deleteQuietly(registration, one);
      const text = `${keyText(one)} ${error.reason}`;
      const { ifIndex, nextHop } = one;
      const group = lost.get(text) ?? { interface: { ifIndex, nextHop }, memberships: [], error };
      group.memberships.push(one);
      lost.set(text, group);
    }
    for (const group of lost.values()) {
      const { message } = group.error;
      const fields = { router: context.router, ...group.interface, message };
      context.logger.warn({ ...fields, count: group.memberships.length }, 'memberships lost');
      events.emit('memberships-lost', group);
    }
  }
}

async function deleteQuietly(registration: Registration, one: Membership): Promise<void> {
  await Promise.allSettled([registration.interfaces.deleteUnwanted(one, one)]);
}

/**
 * What the store lacks of what is wanted. Of a (\*,g) with another exclude list there: that, with a list to be set, and the
 * other entries of its group, which setting it deletes.
 */
function lackingOf(wanted: readonly Membership[], present: readonly Membership[]): Membership[] {
  const lists = new Map(present.map((one) => [membershipText(one), excludeText(one)]));
  const isOther = (one: Membership): boolean =>
    excludeText(one) !== (lists.get(membershipText(one)) ?? '');
  const filters = wanted.filter(isOther);
  const replaced = new Set(filters.map(groupText));
  const others = wanted.filter(
    (one) => !isOther(one) && (!lists.has(membershipText(one)) || replaced.has(groupText(one))),
  );
  return [...filters.map((one) => ({ ...one, exclude: one.exclude ?? [] })), ...others];
}

function membershipOf({ ifIndex, nextHop, group, source, exclude }: Membership): Membership {
  return { ifIndex, nextHop, group, source, ...(exclude && { exclude }) };
}

function isExact({ source }: Membership): boolean {
  return source !== '';
}

function groupText(one: Membership): string {
  return `${keyText(one)} ${one.group}`;
}

function membershipText(one: Membership): string {
  return `${keyText(one)} ${one.source} ${one.group}`;
}
