import { closeSync, existsSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { Hold } from '../check/interface-model.ts';
import type { ForwarderState } from '@mgm/client/forwarder';
import { machineMonoMs } from '../../faults/worker-talk.ts';
import type { Item, Mfe, MfeMessage } from '../../support/raw-operations.ts';

/** A call. `session` is that of the caller, for operations of a session. */
export interface Call {
  /** Unique in the run. Operators send it as their reason, so the event log contains it. */
  readonly id: string;
  readonly op:
    | 'register'
    | 'take'
    | 'release'
    | 'owner'
    | 'validate'
    | 'deregister'
    | 'member.add'
    | 'member.delete'
    | 'rib.set'
    | 'rib.delete'
    | 'flow.new'
    | 'mfe.get'
    | 'mfe.list'
    | 'fib'
    | 'admin-release'
    | 'admin-evict';
  readonly session?: number;
  readonly igmp?: boolean;
  readonly ifIndex?: number;
  readonly epoch?: string;
  /** The session that `admin-evict` ends. */
  readonly target?: number;
}

/** The outcome of a call. An `unknown` call may have been executed or not; a refusal without effect is `refused`. */
export type Told =
  | { readonly told: 'taken'; readonly epoch: string }
  | { readonly told: 'already-owned'; readonly holder: Hold }
  | { readonly told: 'already-taken' | 'not-owner' | 'not-found' | 'free' | 'current' }
  | { readonly told: 'released'; readonly session?: number; readonly epoch?: string }
  | ({ readonly told: 'held'; readonly igmp?: Hold } & Hold)
  | { readonly told: 'outdated'; readonly current?: string }
  | { readonly told: 'registered'; readonly session: number; readonly resumed: boolean }
  | { readonly told: 'deregistered' | 'evicted' }
  | { readonly told: 'changed'; readonly count: number }
  /** The states of `flow.new` in the order of its flows. */
  | { readonly told: 'flows'; readonly states: readonly string[] }
  /** A read of one entry or all, as of `frev` of this log where the reply says so. */
  | {
      readonly told: 'listed';
      readonly entries: readonly Forwarding[];
      readonly frev?: number;
      readonly log?: string;
    }
  /** A read of `fib`. */
  | {
      readonly told: 'changes';
      readonly messages: readonly LoggedForwarding[];
      readonly frev: number;
      readonly log: string;
    }
  | { readonly told: 'refused' | 'unknown'; readonly reason: string };

/** A change of a forwarding entry: what was set, or what was deleted and why. */
export type PushedItem =
  | readonly ['set', Forwarding]
  | readonly ['del', group: string, source: string, incarnation: number, cause: string];

/** Changes of forwarding entries, numbered `first` to `last`. */
export interface LoggedForwarding {
  readonly first: number;
  readonly last: number;
  readonly items: readonly PushedItem[];
}

/** A forwarding entry without the fields that depend on time. */
export type Forwarding = Omit<Mfe, 'upMs' | 'expiresInMs'>;

/** The entry as histories keep it. */
export function forwardingOf<Entry extends Timing>({
  upMs: _,
  expiresInMs: __,
  ...kept
}: Entry): Omit<Entry, keyof Timing> {
  return kept;
}

type Timing = Pick<Mfe, 'upMs' | 'expiresInMs'>;

/** Changes as histories keep them. */
export function loggedOf({ first, last, items }: MfeMessage): LoggedForwarding {
  return { first, last, items: items.map(pushedItemOf) };
}

/** A change as histories keep it. */
function pushedItemOf(item: Item): PushedItem {
  if (item[0] === 'set') return ['set', forwardingOf(item[1] as Mfe)];
  return item as PushedItem;
}

/** An entry in the history of a worker, in order. */
export type Entry =
  | ({ readonly kind: 'invoked' } & Call)
  | ({ readonly kind: 'returned'; readonly id: string } & Told)
  /** The session may act until then by its own clock, unless it is renewed. */
  | { readonly kind: 'deadline'; readonly session: number; readonly deadlineMono: number }
  /** From here on it believes that it owns the interface, until `lets-go` or the deadline of the session. */
  | ({ readonly kind: 'holds' | 'lets-go'; readonly ifIndex: number } & Hold)
  | {
      readonly kind: 'callback';
      readonly session: number;
      readonly seq: number;
      readonly type: string;
      readonly ifIndex: number;
      readonly rev?: number;
      readonly epoch?: string;
    }
  /** JOIN_ALERT, PRUNE_ALERT, LOCAL_JOIN, LOCAL_LEAVE or RESYNC, with its entries as text. */
  | {
      readonly kind: 'alert';
      readonly session: number;
      readonly seq: number;
      readonly type: string;
      readonly entries: readonly string[];
      /** LOCAL alerts: the interface of each entry. */
      readonly on?: readonly number[];
      /** FALSE alerts: the incarnation of each entry. */
      readonly incarnations?: readonly number[];
    }
  /** A listing of `groups`: the entries that others want, and the number of the last callback at that instant. */
  | {
      readonly kind: 'groups';
      readonly session: number;
      readonly mailbox: number;
      readonly wanted: readonly string[];
      /** The (s,g) entries of which the session was notified. */
      readonly notified?: readonly string[];
    }
  /** From here on managers may know that it has handled every callback up to this number. */
  | { readonly kind: 'acknowledges'; readonly session: number; readonly seq: number }
  | { readonly kind: 'callbacks-missed'; readonly session: number }
  /** Changes of forwarding entries as an agent received them, numbered from `first`. */
  | { readonly kind: 'push'; readonly first: number; readonly items: readonly PushedItem[] }
  /** The table of a resting agent, as of `frev` of this log; the client library does not tell the log. */
  | {
      readonly kind: 'table';
      readonly log?: string;
      readonly frev: number;
      readonly entries: readonly Forwarding[];
    }
  /** A call of a forwarding plane begins. `frev`: what its agent has applied before; absent until it has read its table. */
  | {
      readonly kind: 'plane';
      readonly call: 'set' | 'delete';
      readonly frev?: number;
      readonly entry: Forwarding;
    }
  | { readonly kind: 'plane'; readonly call: 'flush' | 'stats'; readonly frev?: number }
  | { readonly kind: 'forwarder'; readonly state: ForwarderState }
  /** A request of the agent was answered: until then it may forward without a further one. */
  | { readonly kind: 'contact'; readonly untilMono: number }
  | { readonly kind: 'over'; readonly session: number; readonly why: string };

/** An entry at its time on the machine's monotonic clock, which all processes share. */
export type Timed<Of = Entry> = Of & { readonly mono: number };

/** Writes a history to a file, unbuffered line by line, so that a killed writer loses no entry. */
export class Recorder implements Disposable {
  readonly #file: number;
  #calls = 0;
  readonly #name: string;

  constructor(path: string, name: string) {
    this.#file = openSync(path, 'a');
    this.#name = name;
  }

  /** The id of the next call. */
  nextId(): string {
    return `${this.#name}#${++this.#calls}`;
  }

  write(entry: Entry): void {
    writeSync(this.#file, `${JSON.stringify({ mono: machineMonoMs(), ...entry })}\n`);
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }
}

/** Reads a history while it grows. An incomplete last line, of a killed writer, is left out. */
export class HistoryFile {
  readonly entries: Timed[] = [];
  readonly #path: string;
  #read = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Adds the entries that were written since the last call. */
  readOn(): void {
    const bytes = readFrom(this.#path, this.#read);
    const end = bytes.lastIndexOf('\n') + 1;
    this.#read += end;
    for (const line of bytes.toString('utf8', 0, end).split('\n')) {
      if (line !== '') this.entries.push(JSON.parse(line) as Timed);
    }
  }
}

/** The bytes of a file from an offset on; none while it does not exist. */
function readFrom(path: string, offset: number): Buffer {
  if (!existsSync(path)) return Buffer.alloc(0);
  const file = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - offset));
    return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, offset));
  } finally {
    closeSync(file);
  }
}
