import { encodeMessage } from '@mgm/protocol';
import type {
  BulkResult,
  Epoch,
  Handle,
  InterfaceKey,
  LocalMembers,
  RefusalFields,
  Reply,
  WireMap,
} from '@mgm/protocol';
import { MgmError, overloaded, type ErrorOrigin } from '../errors.ts';
import { omitUndefined, type CallOptions } from '../options.ts';
import { worthMs, type Call, type CallRequest } from '../rpc/call.ts';
import { entries, readChanges, type MembershipChange } from '../membership/changes.ts';
import type { Filter, GroupFilterChange } from '../membership/filters.ts';
import type { EntryChange } from '../membership/refs.ts';
import type { Context } from '../rpc/context.ts';
import { isRefusal } from '../rpc/messages.ts';
import type { TraceContext } from '../rpc/observers.ts';
import { Sequence } from './sequence.ts';
import type { Settings, SettingsChange } from './refs.ts';

/** The sequenced operations on interfaces and on memberships there. */
export type InterfaceOperation = (typeof OPERATIONS_BY_URGENCY)[number];

/** In the order in which queued items are sent: what frees something goes first. */
const OPERATIONS_BY_URGENCY = [
  ...(['release', 'member.delete', 'take'] as const),
  ...(['interface.set', 'member.set', 'member.add'] as const),
] as const;

/**
 * Items per request. The contract allows 1024 interfaces, and those would cost hardly less each; but with few large requests
 * this process, the manager and the store work in turn instead of in parallel.
 */
const REQUEST_ITEMS = 256;

/** Unanswered requests of one session. Managers allow four times as many. */
const IN_FLIGHT_MAX = 1_024;

/**
 * Items in unanswered requests of one session: more would occupy a manager so long that other sessions, and this
 * session's own keepalive, had to wait.
 */
const ITEMS_IN_FLIGHT_MAX = 8_192;

/** The group of items that may share a request with any other. */
export const SHARED_GROUP = 0;

/** One interface to be taken, set or released, or one membership or filter there to be changed. */
export interface Item {
  readonly operation: InterfaceOperation;
  readonly key: InterfaceKey;
  /** A take: the epoch under which this client held the interface until the store lost data. */
  readonly had?: Epoch | undefined;
  /** Of a membership: its entry. */
  readonly entry?: EntryChange | undefined;
  /** Of `member.set`, whose entry is (\*,g). */
  filter?: Filter | undefined;
  /** Of `interface.set`. */
  settings?: Settings | undefined;
  /** Of a take. */
  readonly localMembers?: LocalMembers | undefined;
  /** Settles an unknown outcome of the same change. */
  readonly isRepeat?: boolean;
  /** Of a membership, a filter or settings, when it is sent: whether it was on record before. */
  wasOnRecord?: boolean;
  /** Of what is on record and is added or set again: it is skipped if it is not on record any more when its turn comes. */
  readonly isReadd?: boolean | undefined;
  /** Only items of the same group share a request. */
  readonly group: number;
  /** The request in which it was sent, until that is answered. */
  sentIn: SentRequest | undefined;
  readonly timeoutMs: number;
  readonly deadlineMono: number;
  /** The context of the caller, where requests are traced. */
  readonly trace?: TraceContext | undefined;
  /** Called at most once. */
  readonly onResult: (result: ItemResult) => void;
}

export type ItemResult =
  | {
      readonly kind: 'done';
      readonly epoch?: Epoch | undefined;
      readonly change?: MembershipChange | GroupFilterChange | SettingsChange;
    }
  | { readonly kind: 'refused'; readonly refusal: RefusalFields }
  /** `abandonedSeq`: the number of the abandoned request, if one was sent. */
  | { readonly kind: 'unanswered'; readonly error: MgmError; readonly abandonedSeq?: number };

/** Sequenced operations that share no requests. */
export type OtherOperation = 'mfe.set';

interface SentRequest {
  readonly call: Call<InterfaceOperation>;
  readonly items: readonly Item[];
  /** How many of the items still have a caller. */
  waitingFor: number;
}

/**
 * The sequenced requests of one session.
 *
 * Items added in one turn of the event loop share a request of up to 256 interfaces, which costs NATS, the codec and the
 * manager hardly more than one. There is no timer: a lone take is sent at the end of its turn; while the window of
 * unanswered requests is full, queued items collect into larger requests.
 *
 * A request has one `seq`, but its items belong to different callers. Dropping an item does not stop the request for the
 * others, and its result still arrives, so that the outcome is known. Dropping the last one abandons the request.
 */
export class Requests {
  readonly sequence: Sequence;
  readonly #context: Context;
  readonly #handle: Handle;
  readonly #over: () => MgmError | undefined;
  readonly #queues: Record<InterfaceOperation, Item[]> = {
    take: [],
    release: [],
    'interface.set': [],
    'member.set': [],
    'member.add': [],
    'member.delete': [],
  };
  readonly #unanswered = new Set<SentRequest>();
  readonly #dropped = new Set<Item>();
  #itemsInFlight = 0;
  #isFlushing = false;

  /** @param over why nothing may be sent any more; called before each attempt */
  constructor(
    context: Context,
    handle: Handle,
    over: () => MgmError | undefined,
    inFlightMax: number = IN_FLIGHT_MAX,
  ) {
    this.sequence = new Sequence(inFlightMax);
    this.#context = context;
    this.#handle = handle;
    this.#over = over;
  }

  add(item: Item): void {
    this.#queues[item.operation].push(item);
    this.#flushSoon();
  }

  isSent(item: Item): boolean {
    return item.sentIn !== undefined;
  }

  /** The error of giving up on this item now; `undefined` while it was not sent. */
  failure(item: Item, why: 'timeout' | 'aborted'): MgmError | undefined {
    return item.sentIn?.call.failure(why);
  }

  /**
   * The item has no caller any more. A queued item is never sent and has no result; a sent one gets the result of its
   * request, which is abandoned when none of its items has a caller.
   */
  drop(item: Item, why: 'timeout' | 'aborted'): void {
    if (!item.sentIn) this.#dropped.add(item);
    else if (--item.sentIn.waitingFor === 0) item.sentIn.call.abandon(why);
  }

  /** Gives every item this error as its result, sent or not, and abandons the requests. */
  end(error: MgmError): void {
    const requests = [...this.#unanswered];
    const queued = OPERATIONS_BY_URGENCY.flatMap((operation) => this.#queues[operation].splice(0));
    const unsent = queued.filter((item) => !this.#dropped.delete(item));
    for (const sent of requests) this.#forget(sent);
    for (const item of [...unsent, ...requests.flatMap(({ items }) => items)]) {
      item.onResult({ kind: 'unanswered', error });
    }
    for (const { call } of requests) call.abandon('aborted');
  }

  /** Sends the request that ends the session. */
  deregister(
    force: boolean,
    options: CallOptions,
  ): { readonly seq: number; readonly call: Call<'deregister'> } {
    const { clock, timeoutMs, deadlineMs } = this.#context;
    const limits = {
      timeoutMs: options.timeoutMs ?? timeoutMs,
      deadlineMono: clock.monoMs() + (options.deadlineMs ?? deadlineMs),
    };
    return this.#start('deregister', { force }, {}, limits);
  }

  /**
   * Sends a request that changes routes. Its number counts as unfinished until the caller finishes it; the window of
   * unanswered requests does not hold it back, because a session sends one at a time.
   */
  routes(
    operation: 'rib.set' | 'rib.delete',
    routes: readonly (readonly (string | number)[])[],
    limits: { readonly timeoutMs: number; readonly deadlineMono: number },
  ): { readonly seq: number; readonly call: Call<'rib.set' | 'rib.delete'> } {
    return this.#start(operation, { routes }, {}, limits);
  }

  /**
   * Sends a request of another operation. Its number counts as unfinished until the caller finishes it. Throws
   * {@link MgmError} `overloaded` if too many requests are unanswered.
   */
  other<Name extends OtherOperation>(
    operation: Name,
    fields: WireMap,
    limits: { readonly timeoutMs: number; readonly deadlineMono: number },
  ): { readonly seq: number; readonly call: Call<Name> } {
    if (this.sequence.hasRoom) return this.#start(operation, fields, {}, limits);
    const { router } = this.#context;
    throw overloaded('too many requests of this session are unanswered', { operation, router });
  }

  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  /** Sends requests while the window has room. */
  #flush(): void {
    while (this.sequence.hasRoom && this.#itemsInFlight < ITEMS_IN_FLIGHT_MAX) {
      const items = this.#next();
      if (!items) return;
      void this.#send(items);
    }
  }

  #next(): readonly [Item, ...Item[]] | undefined {
    for (const operation of OPERATIONS_BY_URGENCY) {
      const items = this.#cut(operation);
      if (items) return items;
    }
    return undefined;
  }

  /** The first queued items of one group. */
  #cut(operation: InterfaceOperation): readonly [Item, ...Item[]] | undefined {
    const queue = this.#queues[operation];
    const cut: Item[] = [];
    let at = 0;
    for (; at < queue.length && cut.length < REQUEST_ITEMS; at++) {
      const item = queue[at];
      if (!item || this.#dropped.delete(item)) continue;
      if (cut[0] && !mayShare(cut[0], item)) break;
      cut.push(item);
    }
    this.#queues[operation] = queue.slice(at);
    const [first, ...rest] = cut;
    return first && [first, ...rest];
  }

  async #send(items: readonly [Item, ...Item[]]): Promise<void> {
    const { seq, call } = this.#request(items);
    const sent: SentRequest = { call, items, waitingFor: items.length };
    for (const item of items) item.sentIn = sent;
    this.#unanswered.add(sent);
    const resultAt = await resultsOf(items, call, seq);
    this.#itemsInFlight -= items.length;
    this.sequence.finish(seq);
    if (this.#forget(sent)) items.forEach((item, at) => item.onResult(resultAt(at)));
    this.#flush();
  }

  /** Returns whether its items have no results yet. */
  #forget(sent: SentRequest): boolean {
    for (const item of sent.items) item.sentIn = undefined;
    return this.#unanswered.delete(sent);
  }

  #request(items: readonly [Item, ...Item[]]) {
    const [{ operation, key }] = items;
    const fields = fieldsOf(items);
    this.#itemsInFlight += items.length;
    return this.#start(operation, fields, items.length === 1 ? { interface: key } : {}, {
      timeoutMs: Math.max(...items.map(({ timeoutMs }) => timeoutMs)),
      deadlineMono: Math.max(...items.map(({ deadlineMono }) => deadlineMono)),
      ...(items[0].trace && { traces: items.flatMap(({ trace }) => trace ?? []) }),
    });
  }

  #start<
    Name extends InterfaceOperation | OtherOperation | 'deregister' | 'rib.set' | 'rib.delete',
  >(
    operation: Name,
    fields: WireMap,
    origin: ErrorOrigin,
    limits: Pick<CallRequest<Name>, 'timeoutMs' | 'deadlineMono' | 'traces'>,
  ): { readonly seq: number; readonly call: Call<Name> } {
    const { router, subjects, calls } = this.#context;
    const numbers = this.sequence.issue();
    const deadlineMs = worthMs(limits.timeoutMs);
    const call = calls.start({
      operation,
      subject: subjects.operation(router, operation),
      payload: encodeMessage({ handle: this.#handle, ...numbers, ...fields, deadlineMs }),
      origin: { ...origin, operation, router },
      ...limits,
      guard: this.#over,
    });
    return { seq: numbers.seq, call };
  }
}

/** Operations that replace a state: executing one again changes nothing, so that is how an unknown outcome is settled. */
export function isReplacement(operation: InterfaceOperation): boolean {
  return operation === 'member.set' || operation === 'interface.set';
}

/** Only the single form of a request says how many forwarding entries it covered. Filters and settings have no other. */
function mayShare(first: Item, item: Item): boolean {
  if (isReplacement(first.operation)) return false;
  if (first.group !== item.group || first.localMembers !== item.localMembers) return false;
  return !first.entry?.forward && !item.entry?.forward;
}

function fieldsOf(items: readonly [Item, ...Item[]]): WireMap {
  const [{ operation, key, entry, filter, settings, localMembers }] = items;
  if (filter) return { ...key, group: entry?.group ?? '', ...omitUndefined(filter) };
  if (settings) return { ...key, ...settings };
  if (operation === 'take') return { ...targets(items), ...omitUndefined({ localMembers }) };
  return operation === 'release' ? targets(items) : entries(items);
}

function targets(items: readonly [Item, ...Item[]]): WireMap {
  const isClaim = items.some(({ had }) => had !== undefined);
  const held = isClaim && { held: items.map(({ had = '0' }) => had) };
  if (items.length === 1) return { ...items[0].key, ...held };
  return { interfaces: items.map(({ key }) => [key.ifIndex, key.nextHop]), ...held };
}

type ResultAt = (at: number) => ItemResult;

async function resultsOf(
  items: readonly [Item, ...Item[]],
  call: Call<InterfaceOperation>,
  seq: number,
): Promise<ResultAt> {
  try {
    const { reply } = await call.result;
    return readResults(items, reply);
  } catch (error) {
    if (!(error instanceof MgmError)) throw error;
    return () => ({ kind: 'unanswered', error, abandonedSeq: seq });
  }
}

function readResults(
  items: readonly [Item, ...Item[]],
  reply: Reply<InterfaceOperation>,
): ResultAt {
  if (isRefusal(reply)) return () => ({ kind: 'refused', refusal: reply });
  if ('added' in reply || ('changed' in reply && !('mrev' in reply))) {
    const { status, rev, ...change } = reply;
    return () => ({ kind: 'done', change });
  }
  if ('mrev' in reply) return readChanges(items, reply);
  const results: readonly BulkResult[] =
    items.length === 1 ? [{ ...reply, status: 0 }] : (reply.results ?? []);
  return (at) => readResult(results[at], items[0].operation);
}

function readResult(result: BulkResult | undefined, operation: InterfaceOperation): ItemResult {
  if (!result) return { kind: 'unanswered', error: badReply(operation, 'has too few results') };
  if (isRefusal(result)) return { kind: 'refused', refusal: result };
  if (operation === 'take' && !result.epoch) {
    return { kind: 'unanswered', error: badReply(operation, 'has no epoch') };
  }
  return { kind: 'done', epoch: result.epoch };
}

function badReply(operation: InterfaceOperation, fault: string): MgmError {
  return new MgmError(`the reply to \`${operation}\` ${fault}`, {
    reason: 'bad-reply',
    outcome: 'unknown',
    operation,
  });
}
