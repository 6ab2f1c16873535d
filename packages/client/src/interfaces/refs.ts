import { parseNextHop, parseUnshared } from '@mgm/protocol';
import type { Epoch, InterfaceKey, LocalMembers } from '@mgm/protocol';
import { badRequest, wrongRequest, type ErrorOrigin } from '../errors.ts';
import { omitUndefined, type CallOptions } from '../options.ts';

/** An interface as a caller may name it (`(if,nh)` in MGM). */
export interface InterfaceRef {
  /** 1 to 4294967295. */
  readonly ifIndex: number;
  /**
   * The next hop of a point-to-multipoint interface: an IPv4 or IPv6 address as text, or a u32 for IPv4 in host order.
   * Absent, `''`, `0`, `'0.0.0.0'` and `'::'` mean none.
   */
  readonly nextHop?: string | number | undefined;
}

const IF_INDEX_MAX = 0xffffffff;

/** The interface in canonical form. Throws {@link MgmError} `bad-request` for an invalid one. */
export function interfaceKey(ref: InterfaceRef, origin: ErrorOrigin = {}, path = ''): InterfaceKey {
  const { ifIndex } = ref;
  if (!Number.isInteger(ifIndex) || ifIndex < 1 || ifIndex > IF_INDEX_MAX) {
    const field = `${path}ifIndex`;
    throw badRequest(`${field}: must be an integer from 1 to ${IF_INDEX_MAX}`, field, origin);
  }
  const nextHop = parseNextHop(ref.nextHop);
  if (nextHop === undefined) {
    const field = `${path}nextHop`;
    const message = `${field}: must be an IPv4 or IPv6 address as text, a u32, or absent`;
    throw badRequest(message, field, origin);
  }
  return { ifIndex, nextHop };
}

/** All of them; throws `bad-request` for the first invalid or duplicate one. */
export function interfaceKeys(refs: readonly InterfaceRef[], origin: ErrorOrigin): InterfaceKey[] {
  const keys = refs.map((ref, at) => interfaceKey(ref, origin, `interfaces[${at}].`));
  const seen = new Set<string>();
  for (const [at, key] of keys.entries()) {
    const text = keyText(key);
    if (seen.has(text)) {
      throw badRequest(`interfaces[${at}]: is named twice`, `interfaces[${at}]`, origin);
    }
    seen.add(text);
  }
  return keys;
}

/** One text per interface, as a key of maps. */
export function keyText({ ifIndex, nextHop }: InterfaceKey): string {
  return nextHop === '' ? String(ifIndex) : `${ifIndex} via ${nextHop}`;
}

/** Limits of a take, and settings of the interfaces that it takes. */
export interface TakeOptions extends CallOptions {
  /** See {@link InterfaceSettingsRef}. Default `forward`. Without effect for IGMP. */
  readonly localMembers?: LocalMembers | undefined;
}

/** Settings of an interface that the session owns as a routing protocol. What is absent stays as it is. */
export interface InterfaceSettingsRef extends InterfaceRef {
  /**
   * `forward` (initially): IGMP's memberships on the interface count for the session. `advise`: they raise LOCAL alerts and
   * count for no client until the session adds its own, for a PIM router that is not the designated router.
   */
  readonly localMembers?: LocalMembers | undefined;
  /** Whether `onWrongIf` is called for packets that arrive on the interface although it is not the incoming one. Initially false. */
  readonly wrongIf?: boolean | undefined;
  /** Refuse unless the session holds the interface under this epoch. */
  readonly epoch?: Epoch | undefined;
}

/** The result of changing settings. */
export interface SettingsChange {
  /** Whether any setting is different now. */
  readonly changed: boolean;
}

/** The settings of a request. */
export interface Settings {
  readonly localMembers?: LocalMembers;
  readonly wrongIf?: boolean;
  readonly epoch?: Epoch;
}

/** The settings of a hold. */
export type HeldSettings = Required<Omit<Settings, 'epoch'>>;

/** The settings of a hold that begins. */
const INITIAL_SETTINGS: HeldSettings = { localMembers: 'forward', wrongIf: false };

/** The settings of a session's interfaces, as far as replies have told: what it sets again after a recovery. */
export class SettingsRecord {
  readonly #settings = new Map<string, InterfaceKey & HeldSettings>();

  get(key: InterfaceKey): HeldSettings | undefined {
    const here = this.#settings.get(keyText(key));
    return here && { localMembers: here.localMembers, wrongIf: here.wrongIf };
  }

  /** A request was executed, or, with `{}`, is about to be sent: from then on the settings are set again. */
  set({ ifIndex, nextHop }: InterfaceKey, { localMembers, wrongIf }: Settings): void {
    const key = { ifIndex, nextHop };
    const given = omitUndefined({ localMembers, wrongIf });
    this.#settings.set(keyText(key), { ...INITIAL_SETTINGS, ...this.get(key), ...key, ...given });
  }

  /** The hold of the interface is over, and with it its settings. */
  drop(key: InterfaceKey): void {
    this.#settings.delete(keyText(key));
  }

  keys(): InterfaceKey[] {
    return [...this.#settings.values()].map(({ ifIndex, nextHop }) => ({ ifIndex, nextHop }));
  }
}

/** Throws {@link MgmError} `bad-request` with the field. */
export function readSettingsRef(
  ref: InterfaceSettingsRef,
  origin: ErrorOrigin,
): { readonly key: InterfaceKey; readonly settings: Settings } {
  const key = interfaceKey(ref, origin);
  const { localMembers, wrongIf, epoch } = ref;
  const settings = omitUndefined({ localMembers, wrongIf, epoch });
  const parsed = parseUnshared('interface.set', { ...UNSENT, ...key, ...settings });
  if (parsed.kind === 'request') return { key, settings };
  throw wrongRequest(parsed, { ...origin, interface: key });
}

/** Fields of a request that the caller does not give. */
export const UNSENT = { handle: '', seq: 1, ack: 1 };
