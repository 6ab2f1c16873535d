import { parseRequest } from '@mgm/protocol';
import type { Epoch, InterfaceKey, LocalMembers } from '@mgm/protocol';
import { refusalError, type ErrorOrigin } from '../errors.ts';
import { omitUndefined, type CallOptions } from '../options.ts';
import { interfaceKey, keyText, type InterfaceRef } from './key.ts';

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

const INITIAL: HeldSettings = { localMembers: 'forward', wrongIf: false };

/** Throws {@link MgmError} `bad-request` with the field. */
export function readSettingsRef(
  ref: InterfaceSettingsRef,
  origin: ErrorOrigin,
): { readonly key: InterfaceKey; readonly settings: Settings } {
  const key = interfaceKey(ref, origin);
  const { localMembers, wrongIf, epoch } = ref;
  const settings = omitUndefined({ localMembers, wrongIf, epoch });
  const parsed = parseRequest('interface.set', { ...UNSENT, ...key, ...settings });
  if (parsed.kind === 'request') return { key, settings };
  throw refusalError(parsed.refused, { ...origin, interface: key });
}

/** Fields of a request that the caller does not give. */
const UNSENT = { handle: '', seq: 1, ack: 1 };

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
    this.#settings.set(keyText(key), { ...INITIAL, ...this.get(key), ...key, ...given });
  }

  /** The hold of the interface is over, and with it its settings. */
  drop(key: InterfaceKey): void {
    this.#settings.delete(keyText(key));
  }

  keys(): InterfaceKey[] {
    return [...this.#settings.values()].map(({ ifIndex, nextHop }) => ({ ifIndex, nextHop }));
  }
}
