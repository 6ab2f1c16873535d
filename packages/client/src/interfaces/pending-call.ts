import type { Epoch, Handle, LocalMembers, RefusalFields, SessionId } from '@mgm/protocol';
import type { MgmError } from '../errors.ts';
import type { Filter } from '../membership/filters.ts';
import type { MembershipRecord } from '../membership/record.ts';
import type { EntryChange } from '../membership/refs.ts';
import type { CallOptions } from '../options.ts';
import type { Appointment } from '../rpc/clock.ts';
import type { Item } from './requests.ts';
import type { Settings, SettingsRecord } from './settings.ts';

/** The group of items that may share a request with any other. */
export const SHARED_GROUP = 0;

/** Limits of a call, and what the session knows of the interface. */
export interface InterfaceCallOptions extends CallOptions {
  /** A take: the epoch under which this client held the interface until the store lost data. */
  readonly had?: Epoch | undefined;
  readonly localMembers?: LocalMembers | undefined;
}

export interface SubmitOptions extends InterfaceCallOptions {
  readonly entry?: EntryChange;
  readonly filter?: Filter;
  readonly settings?: Settings;
  readonly isReadd?: boolean;
}

/** The session of the calls. */
export interface SessionOfCalls {
  readonly handle: Handle;
  readonly session: SessionId;
  readonly memberships: MembershipRecord;
  readonly settings: SettingsRecord;
  /** Why the session is over, by the clock now; `undefined` while it lives. */
  readonly over: () => MgmError | undefined;
  /** Whether the session may be registered again after such a refusal of its handle. */
  readonly mayRecover: (refusal: RefusalFields) => boolean;
  /** A manager refused the handle: ends the calls. */
  readonly onHandleRefused: (refusal: RefusalFields) => void;
}

/** How a call settles. */
export interface Caller {
  resolve(granted: unknown): void;
  reject(error: MgmError): void;
}

/** A call on one interface or membership, from the method call until its outcome is certain. */
export interface InterfaceCall {
  readonly item: Item;
  readonly keyText: string;
  readonly entryText: string;
  readonly deadline: Appointment;
  readonly abortListener: Disposable | undefined;
  /** `undefined` once the caller has its result. */
  caller: Caller | undefined;
  /** `waiting` for its turn on the interface, or `started`: queued or sent. */
  stage: 'waiting' | 'started';
}
