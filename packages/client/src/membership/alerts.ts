import type {
  AlertMessage,
  AlertType,
  GroupText,
  MembershipCause,
  MfeJoinAlert,
  MfePruneAlert,
  NextHop,
  SourceText,
} from '@mgm/protocol';
import type { QuestionHandlers } from '../forwarding/questions.ts';

interface ItemFields {
  /** The number of the callback message. Its items share it. */
  readonly seq: number;
  /** ms on the store's clock. */
  readonly ts: number;
  /** In canonical text; `''` is the wildcard of IPv4, `'::'` that of IPv6. */
  readonly group: GroupText;
  /** In canonical text; `''` is the wildcard. */
  readonly source: SourceText;
  /** The membership revision at the end of the change. */
  readonly mrev: number;
  /**
   * `member`: an add or a delete. `iif-moved`, of an (s,g): the interface towards the source has another owner, by a route,
   * a take, a release or the end of a client. Otherwise what ended the hold of the interface.
   */
  readonly cause: MembershipCause;
}

/**
 * Others began to want an entry; of an (s,g) only the owner of the interface towards the source is alerted
 * (nc-mgm-pmgm_join_alert_callback).
 */
export interface JoinAlertItem extends ItemFields {
  readonly type: 'JOIN_ALERT';
  /** True: because of memberships. False: a forwarding entry of the session gained its first foreign outgoing interface. */
  readonly memberUpdate: boolean;
  /** Of the forwarding entry; only where `memberUpdate` is false. */
  readonly incarnation?: number;
}

/** Others stopped wanting an entry (nc-mgm-pmgm_prune_alert_callback). */
export interface PruneAlertItem extends ItemFields {
  readonly type: 'PRUNE_ALERT';
  /** True: because of memberships. False: a forwarding entry of the session has no foreign outgoing interface any more. */
  readonly memberDelete: boolean;
  /** Of the forwarding entry; only where `memberDelete` is false. */
  readonly incarnation?: number;
  /** An interface from which a membership of the entry was removed in this change; with `iif-moved` 0 and `''`. */
  readonly ifIndex: number;
  readonly nextHop: NextHop;
  /** Whether others still want a wider entry: for (\*,g) the (\*,\*) of its family. False if `memberDelete` is false. */
  readonly covered: boolean;
  /** True if IGMP is about to add the memberships again; otherwise absent. */
  readonly window?: true;
}

/** IGMP added (or deleted) a membership on an interface that the session owns (nc-mgm-pmgm_local_join_callback). */
export interface LocalAlertItem extends ItemFields {
  readonly type: 'LOCAL_JOIN' | 'LOCAL_LEAVE';
  readonly ifIndex: number;
  readonly nextHop: NextHop;
  /** True: the membership is not new, but IGMP excludes other sources from it now. Otherwise absent. */
  readonly update?: true;
  /** With `update`. */
  readonly mode?: 'exclude';
  /** With `update`: the sources that IGMP does not want on the interface. */
  readonly exclude?: readonly SourceText[];
}

/** One alert: an item of a callback message, with the fields of the message. */
export type AlertItem = JoinAlertItem | PruneAlertItem | LocalAlertItem;

/**
 * Alerts are missing; enumerate the groups again, and list the memberships if LOCAL alerts matter.
 *
 * - `overflow`: more than 65536 alerts were unacknowledged. Later alerts are sent again from now on.
 * - `recovered`: the session was registered again.
 */
export interface Resync {
  readonly cause: 'overflow' | 'recovered';
}

type AlertHandler<Item> = (item: Item) => void | Promise<void>;

/** What a worker does for each alert. The handlers given determine which alerts managers send. */
export interface AlertHandlers {
  /** Others began to want an entry. */
  readonly onJoinAlert?: AlertHandler<JoinAlertItem> | undefined;
  /** Others stopped wanting an entry. */
  readonly onPruneAlert?: AlertHandler<PruneAlertItem> | undefined;
  /** IGMP added a membership on an interface of the session. */
  readonly onLocalJoin?: AlertHandler<LocalAlertItem> | undefined;
  /** IGMP deleted a membership on an interface of the session. */
  readonly onLocalLeave?: AlertHandler<LocalAlertItem> | undefined;
  /** Alerts are missing. A callback like the others: later ones wait until it is handled. */
  readonly onResync?: AlertHandler<Resync> | undefined;
}

/** The alert types that have a handler: `alerts` of `register`. */
export function alertTypesOf(handlers: AlertHandlers & QuestionHandlers): AlertType[] {
  const types: readonly (readonly [AlertType, unknown])[] = [
    ['JOIN_ALERT', handlers.onJoinAlert],
    ['PRUNE_ALERT', handlers.onPruneAlert],
    ['LOCAL_JOIN', handlers.onLocalJoin],
    ['LOCAL_LEAVE', handlers.onLocalLeave],
    ['RPF', handlers.onRpf],
    ['CREATION_ALERT', handlers.onCreationAlert],
    ['WRONG_IF', handlers.onWrongIf],
  ];
  return types.filter(([, handler]) => handler !== undefined).map(([type]) => type);
}

type MfeAlert = MfeJoinAlert | MfePruneAlert;

function isAboutMfes(message: AlertMessage): message is MfeAlert {
  if (message.type === 'JOIN_ALERT') return !message.memberUpdate;
  return message.type === 'PRUNE_ALERT' && !message.memberDelete;
}

function mfeItemsOf(message: MfeAlert): AlertItem[] {
  const { seq, ts, mrev, cause } = message;
  const fields = { seq, ts, mrev, cause };
  if (message.type === 'JOIN_ALERT') {
    const { type, memberUpdate } = message;
    return message.items.map(([group, source, incarnation]) => ({
      ...{ ...fields, type, memberUpdate },
      ...{ group, source, incarnation },
    }));
  }
  const { type, memberDelete } = message;
  return message.items.map(([group, source, ifIndex, nextHop, incarnation]) => ({
    ...{ ...fields, type, memberDelete },
    ...{ group, source, ifIndex, nextHop, covered: false, incarnation },
  }));
}

/** The items of a message, in order. */
export function itemsOf(message: Exclude<AlertMessage, { readonly type: 'RESYNC' }>): AlertItem[] {
  const { seq, ts, mrev, cause } = message;
  const fields = { seq, ts, mrev, cause };
  if (isAboutMfes(message)) return mfeItemsOf(message);
  if (message.type === 'JOIN_ALERT') {
    const { type, memberUpdate } = message;
    return message.items.map(([group, source]) => ({
      ...{ ...fields, type, memberUpdate },
      ...{ group, source },
    }));
  }
  if (message.type === 'PRUNE_ALERT') {
    const { type, memberDelete, window } = message;
    const shared = { ...fields, type, memberDelete, ...(window && { window }) };
    return message.items.map(([group, source, ifIndex, nextHop, covered]) => ({
      ...{ ...shared, group, source },
      ...{ ifIndex, nextHop, covered },
    }));
  }
  const { type, update, mode, exclude } = message;
  const changed = update && mode && exclude ? { update, mode, exclude } : {};
  return message.items.map(([group, source, ifIndex, nextHop]) => ({
    ...{ ...fields, type, group, source },
    ...{ ifIndex, nextHop, ...changed },
  }));
}

/** Calls the handler of an alert. */
export async function handleAlert(handlers: AlertHandlers, item: AlertItem): Promise<void> {
  switch (item.type) {
    case 'JOIN_ALERT':
      return await handlers.onJoinAlert?.(item);
    case 'PRUNE_ALERT':
      return await handlers.onPruneAlert?.(item);
    case 'LOCAL_JOIN':
      return await handlers.onLocalJoin?.(item);
    case 'LOCAL_LEAVE':
      return await handlers.onLocalLeave?.(item);
  }
}
