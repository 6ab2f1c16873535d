import type {
  CallbackMessage,
  Cause,
  Epoch,
  EventMessage,
  EventType,
  InterfaceSettings,
  Revision,
  SessionId,
  SessionLostCallback,
  SharedEventFields,
  SharedLossFields,
} from '@mgm/protocol';
import {
  readCallback,
  readAlertRun,
  readEventRun,
  readFibMessage,
  readLossRun,
  readMemberRun,
  readTakeover,
  type AlertRun,
  type Callback,
  type EventRun,
  type FibMessage,
  type LossRun,
  type MemberRun,
} from './generated/arbiter.ts';
import { NO_SESSION } from './names.ts';
import {
  flag,
  integer,
  list,
  revision,
  row,
  ScriptReplyError,
  unpackFromScript,
} from './script-values.ts';

/** The reply to one batch: the state of the router, a script reply per operation, and what to publish. */
export interface BatchReply {
  /** The instant of the batch, in ms on the store's clock. */
  readonly ts: number;
  readonly rev: Revision;
  readonly epoch: number;
  /** Id of the event log; `''` for a router that was never used. */
  readonly log: string;
  /** The longest lease ever granted on the router, as far as known. */
  readonly longestTtlMs: number;
  /** For each operation: the router's revision after it (for a repeat, after the first execution), and its packed reply. */
  readonly revs: readonly unknown[];
  readonly replies: readonly unknown[];
  readonly runs: readonly EventRun[];
  readonly callbacks: readonly AddressedCallback[];
  /** Interfaces lost by sessions that ended, to be pushed to each after its callbacks. */
  readonly losses: readonly LossRun[];
  readonly members: MembersReport;
  readonly view: ViewReport;
}

/** Group membership after a batch; of a router that never had a membership, all zero. */
interface MembersReport {
  readonly mrev: number;
  /** All alerts and `left` events that follow from ownership changes up to this revision are written. */
  readonly settled: Revision;
  /** Withdrawn memberships are to be purged: sweep soon. */
  readonly isUnsettled: boolean;
  readonly runs: readonly MemberRun[];
  readonly alerts: readonly AlertRun[];
}

/** The multicast view and the forwarding entries after a batch; of a router that never had either, all zero. */
interface ViewReport {
  readonly rrev: number;
  /** All alerts that follow from changes of the view up to this one are written. */
  readonly rsettled: number;
  /** Entries are to be re-evaluated: sweep soon. */
  readonly isUnsettled: boolean;
  readonly frev: number;
  /** All changes of forwarding entries that follow from changes of memberships up to this `mrev` are written. */
  readonly msettled: number;
  /** The changes of forwarding entries. */
  readonly fib: readonly FibMessage[];
}

/** A callback and the session that it is sent to. */
export interface AddressedCallback {
  readonly session: SessionId;
  /** The identity of the session, if it has one: part of its callback subject. */
  readonly identity: string | undefined;
  readonly message: CallbackMessage | SessionLostCallback;
}

/** Reads the reply of the arbiter. Throws `ScriptReplyError` if it has another form. */
export function readBatchReply(parts: readonly Buffer[]): BatchReply {
  const [
    now,
    rev,
    epoch,
    log,
    results,
    runs,
    callbacks,
    losses,
    longestTtl,
    members,
    takeovers,
    view,
  ] = parts;
  const isWhole =
    now && rev && epoch && log && results && runs && callbacks && losses && longestTtl;
  if (!isWhole || !members || !takeovers || !view) {
    throw new ScriptReplyError(`batch: expected 12 parts, got ${parts.length}`);
  }
  const ts = Number(now.toString());
  const membersReport = readMembers(members, Number(rev.toString()) as Revision);
  const [revs, replies] = row(unpackFromScript(results), 'results', 2);
  return {
    ts,
    rev: Number(rev.toString()) as Revision,
    epoch: Number(epoch.toString()),
    log: log.toString(),
    longestTtlMs: Number(longestTtl.toString()),
    revs: row(revs, 'revisions', 0),
    replies: row(replies, 'replies', 0),
    runs: packedList(runs, readEventRun),
    callbacks: [
      ...packedList(callbacks, (value) => {
        const callback = readCallback(value);
        const { session, identity } = callback;
        return { session, identity, message: callbackMessage(callback, ts) };
      }),
      ...packedList(takeovers, (value) => {
        const { session, identity, seq, by } = readTakeover(value);
        const cause = 'takeover' as const;
        return {
          session,
          identity,
          message: { seq, type: 'SESSION_LOST' as const, ts, cause, by },
        };
      }),
    ],
    losses: packedList(losses, readLossRun),
    members: membersReport,
    view: readView(view, membersReport.mrev),
  };
}

function readMembers(packed: Buffer, rev: Revision): MembersReport {
  if (packed.length === 0) {
    return { mrev: 0, settled: rev, isUnsettled: false, runs: [], alerts: [] };
  }
  const [mrev, settled, isUnsettled, runs, alerts] = row(unpackFromScript(packed), 'members', 5);
  return {
    mrev: integer(mrev),
    settled: revision(settled),
    isUnsettled: flag(isUnsettled),
    runs: list(runs, readMemberRun),
    alerts: list(alerts, readAlertRun),
  };
}

/** `msettled`: of a router without a view. */
function readView(packed: Buffer, msettled: number): ViewReport {
  if (packed.length === 0) {
    return { rrev: 0, rsettled: 0, isUnsettled: false, frev: 0, msettled, fib: [] };
  }
  const fields = row(unpackFromScript(packed), 'view', 6);
  const [rrev, rsettled, isUnsettled, frev, settledMrev, fib] = fields;
  return {
    rrev: integer(rrev),
    rsettled: integer(rsettled),
    isUnsettled: flag(isUnsettled),
    frev: integer(frev),
    msettled: integer(settledMrev),
    fib: list(fib, readFibMessage),
  };
}

function packedList<Item>(packed: Buffer, one: (value: unknown) => Item): readonly Item[] {
  return packed.length === 0 ? [] : list(unpackFromScript(packed), one);
}

/** The fields that all events of a run share, as messages carry them: fields that do not apply are absent. */
export function sharedBy(run: EventRun, ts: number): SharedEventFields {
  const { type, session, protocolId, componentId, cause, previous, actor, why, caller } = run;
  return {
    ts,
    type: type as EventType,
    ...(session !== undefined && { session, protocolId, componentId }),
    ...(previous !== undefined && { previous }),
    ...(cause !== undefined && { cause: cause as Cause }),
    ...(actor !== undefined && { actor }),
    ...(why !== undefined && { why }),
    ...(caller !== undefined && { caller }),
  };
}

/** The epoch of the entry at this index of a run. */
export function epochIn({ first, epochs }: EventRun | LossRun, at: number): Epoch {
  const epoch = epochs[at];
  if (epoch === undefined) throw new ScriptReplyError(`${first + at} of a run has no epoch`);
  return epoch;
}

/** The fields that all callbacks of a loss run share, as messages carry them. */
export function lossesShare({ cause, why }: LossRun, ts: number): SharedLossFields {
  return { ts, cause: cause as Cause, ...(why !== undefined && { why }) };
}

/** The revision of the event at this index of a run. */
export function revisionIn({ first }: EventRun, at: number): Revision {
  return (first + at) as Revision;
}

/** Settings of an interface in the form of scripts: `<name>=<value>` between commas. */
export function settingsOf(settings: string | undefined): InterfaceSettings {
  const pairs = settings?.split(',').map((pair) => pair.split('=')) ?? [];
  const named = pairs.map(([name = '', value = '']) => [name, settingNamed(value)] as const);
  return Object.fromEntries<string | number | boolean>(named);
}

function settingNamed(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^\d+$/.test(text) ? Number(text) : text;
}

/** The events of a run as messages. An event of a session as a whole has no interface. */
export function eventsOf(run: EventRun, ts: number): EventMessage[] {
  const { type, session, protocolId, componentId, ts: _, ...more } = sharedBy(run, ts);
  const client =
    session !== undefined && protocolId !== undefined && componentId !== undefined
      ? { session, protocolId, componentId }
      : {};
  const { first, epochs, interfaces } = run;
  if (interfaces.length === 0) {
    const [epoch] = epochs;
    return [{ rev: first, ts, type, ...client, ...(epoch !== undefined && { epoch }), ...more }];
  }
  const [on] = interfaces;
  if (type === 'interface-set') {
    const by = {
      session: session ?? NO_SESSION,
      protocolId: run.protocolId,
      componentId: run.componentId,
    };
    return [{ rev: first, ts, type, ...by, ...on, ...more, ...settingsOf(run.settings) }];
  }
  return interfaces.map((on, at) => {
    const rev = revisionIn(run, at);
    return { rev, ts, type, ...client, ...on, epoch: epochIn(run, at), ...more };
  });
}

/** A callback as a message. */
export function callbackMessage(callback: Callback, ts: number): CallbackMessage {
  const { seq, interface: on, epoch, why } = callback;
  const cause = callback.cause as Cause;
  if (callback.type === 'OWNERSHIP_LOST' && epoch !== undefined) {
    const lost = { seq, type: 'OWNERSHIP_LOST', ts, ...on, epoch, cause } as const;
    return why === undefined ? lost : { ...lost, why };
  }
  if ((callback.type === 'DISABLE_IGMP' || callback.type === 'ENABLE_IGMP') && cause !== 'admin') {
    return { seq, type: callback.type, ts, ...on, rev: callback.rev ?? noRevision(), cause };
  }
  throw new ScriptReplyError(`callback ${seq}: undeclared ${callback.type} with cause ${cause}`);
}

function noRevision(): never {
  throw new ScriptReplyError('an IGMP callback without a revision');
}
