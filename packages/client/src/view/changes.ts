import { addAbortListener } from 'node:events';
import type { Prefix, RefusalFields, RouteChangeReply } from '@mgm/protocol';
import { gaveUp, MgmError, overloaded, refusalError, withOrigin, withOutcome } from '../errors.ts';
import type { Requests } from '../interfaces/requests.ts';
import { checkedLimits, type CallOptions } from '../options.ts';
import type { Call } from '../rpc/call.ts';
import { backoffMs, pause } from '../rpc/clock.ts';
import type { Context } from '../rpc/context.ts';
import { elementRefusal, isRefusal, isSessionGone } from '../rpc/messages.ts';
import { elementOf, isRoute, isWaitedFor, takeOffRecord } from './items.ts';
import type { Caller, Item, RouteOperation, RouteRecord, RouteResult } from './items.ts';
import { prefixText, type Route } from './refs.ts';

/** The session of the changes. */
export interface SessionOfRoutes {
  readonly requests: Requests;
  readonly record: RouteRecord;
  /** Aborts when the session is over. */
  readonly signal: AbortSignal;
  /** Why the session is over, by the clock now; `undefined` while it lives. */
  readonly over: () => MgmError | undefined;
  /** Why new calls are refused. */
  readonly closed: () => MgmError | undefined;
  /** Whether the session may be registered again after such a refusal of its handle. */
  readonly mayRecover: (refusal: RefusalFields) => boolean;
  /** A manager refused the handle: ends the session. */
  readonly onHandleRefused: (refusal: RefusalFields) => void;
  /** Routes on record that could not be set again. */
  readonly onRoutesLost: (routes: readonly Route[], error: MgmError) => void;
}

interface SentRequest {
  readonly call: Call<RouteOperation>;
  readonly items: readonly Item[];
}

/** Elements per request: the most that the contract allows. */
const REQUEST_ROUTES = 256;

/** Pending elements per session; further ones are refused as `overloaded`. */
const PENDING_MAX = 65_536;
const TOO_MANY = `${PENDING_MAX} changes of routes of this session are pending already`;

/** How long one attempt to make the store agree with the record lasts. */
const SETTLE_ATTEMPT_MS = 10_000;

/** Limit of the wait for a restoration, in deadlines of the client. */
const RESTORE_DEADLINES = 10;

/**
 * The changes of routes of one session.
 *
 * Two managers could execute requests that are in flight together in either order, so there is one request at a time. It
 * has up to 256 consecutive elements of the same operation, of whatever calls.
 *
 * A route is on record when its reply has arrived in time, and no longer when its deletion is sent. A prefix of which the
 * store may have something else, because a caller gave up or an outcome is unknown, is *unsettled*: before anything else
 * is sent, its route on record is set again, or what may be there is deleted. The same sets all routes after a recovery.
 */
export class RouteChanges {
  readonly #context: Context;
  readonly #session: SessionOfRoutes;
  readonly #unsettled = new Map<string, Prefix>();
  #queue: Item[] = [];
  #pending = 0;
  #sent: SentRequest | undefined;
  /** The number of the last request that was abandoned: a later copy of it must not undo what settles it. */
  #abandonedSeq = 0;
  /** Resolves when no prefix is unsettled. */
  #settled: PromiseWithResolvers<void> | undefined;
  #running: Promise<void> | undefined;
  #isOver = false;

  constructor(context: Context, session: SessionOfRoutes) {
    this.#context = context;
    this.#session = session;
  }

  /** Resolves with a result for each target. Throws {@link MgmError} for limits out of range and for a closed session. */
  change(
    operation: RouteOperation,
    targets: readonly (Prefix | Route)[],
    options: CallOptions,
  ): Promise<RouteResult[]> {
    const { agenda, clock, router } = this.#context;
    const origin = { operation, router };
    const { timeoutMs, deadlineMs } = checkedLimits(options, this.#context, () => origin);
    const { signal } = options;
    const closed = this.#session.closed();
    if (closed) throw withOrigin(withOutcome(closed, 'not-done'), origin);
    if (signal?.aborted) throw gaveUp('aborted', origin);
    const { promise, resolve } = Promise.withResolvers<RouteResult[]>();
    const deadlineMono = clock.monoMs() + deadlineMs;
    const deadline = agenda.at(deadlineMono, () => this.#giveUp(caller, 'timeout'));
    const listener = signal && addAbortListener(signal, () => this.#giveUp(caller, 'aborted'));
    const caller: Caller = {
      origin,
      results: targets.map(() => undefined),
      pending: targets.length,
      finish: () => {
        agenda.remove(deadline);
        listener?.[Symbol.dispose]();
        resolve(caller.results.filter((result) => result !== undefined));
      },
    };
    if (targets.length === 0) caller.finish();
    for (const [at, target] of targets.entries()) {
      const item = { operation, target, caller, at, timeoutMs, deadlineMono };
      if (++this.#pending > PENDING_MAX) this.#fail(item, overloaded(TOO_MANY, origin));
      else this.#queue.push(item);
    }
    this.#run();
    return promise;
  }

  /**
   * Sets all routes on record, and deletes what else the session has. Resolves when the store agrees with the record, when
   * the session is over, or after ten deadlines of the client; then this continues in the background.
   */
  async restore(present: readonly Prefix[]): Promise<void> {
    for (const prefix of [...present, ...this.#session.record.values()]) {
      this.#unsettled.set(prefixText(prefix), prefix);
    }
    this.#run();
    if (this.#unsettled.size === 0 || this.#isOver) return;
    const { agenda, clock, deadlineMs } = this.#context;
    const { promise, resolve } = (this.#settled ??= Promise.withResolvers<void>());
    const limit = agenda.at(clock.monoMs() + RESTORE_DEADLINES * deadlineMs, resolve);
    await promise;
    agenda.remove(limit);
  }

  /** Resolves when nothing is pending. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** The session is over: nothing more is sent, and every pending element fails with this error. */
  end(error: MgmError): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#settled?.resolve();
    const sent = this.#sent;
    for (const item of sent?.items ?? []) this.#fail(item, withOutcome(error, 'unknown'));
    for (const item of this.#queue.splice(0)) this.#fail(item, withOutcome(error, 'not-done'));
    sent?.call.abandon('aborted');
  }

  /** Calls of one turn of the event loop share requests. */
  #run(): void {
    if (this.#running || this.#isOver) return;
    const turn = Promise.withResolvers<void>();
    setImmediate(turn.resolve);
    this.#running = turn.promise
      .then(() => this.#sendAll())
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #sendAll(): Promise<void> {
    for (let setbacks = 0; !this.#isOver;) {
      const isSettling = this.#unsettled.size > 0;
      if (!isSettling) this.#settled?.resolve();
      if (isSettling) await this.#session.requests.sequence.passed(this.#abandonedSeq);
      const items = isSettling ? this.#unsettledItems() : this.#cut();
      const [first, ...rest] = items;
      if (!first || this.#isOver) return;
      const isDone = await this.#send([first, ...rest]);
      setbacks = isDone ? 0 : setbacks + 1;
      const { signal } = this.#session;
      if (!isDone && isSettling) await pause(this.#context.clock, backoffMs(setbacks), signal);
    }
  }

  /** What makes the store agree with the record: routes to be set, or else prefixes to be deleted. */
  #unsettledItems(): Item[] {
    const { clock, timeoutMs } = this.#context;
    const limits = { timeoutMs, deadlineMono: clock.monoMs() + SETTLE_ATTEMPT_MS, at: 0 };
    const sets: Item[] = [];
    const deletes: Item[] = [];
    for (const [text, prefix] of this.#unsettled) {
      const route = this.#session.record.get(text);
      if (route) sets.push({ operation: 'rib.set', target: route, ...limits });
      else deletes.push({ operation: 'rib.delete', target: prefix, ...limits });
      if (Math.max(sets.length, deletes.length) === REQUEST_ROUTES) break;
    }
    return deletes.length > 0 ? deletes : sets;
  }

  /** The first queued elements of one operation. */
  #cut(): Item[] {
    const [first] = this.#queue;
    const end = this.#queue.findIndex(({ operation }) => operation !== first?.operation);
    return this.#queue.splice(0, Math.min(end === -1 ? Infinity : end, REQUEST_ROUTES));
  }

  /** Returns whether a manager has executed the request. */
  async #send(items: readonly [Item, ...Item[]]): Promise<boolean> {
    const [{ operation }] = items;
    const { requests, record } = this.#session;
    if (operation === 'rib.delete') for (const item of items) takeOffRecord(record, item);
    const { seq, call } = requests.routes(operation, items.map(elementOf), {
      timeoutMs: Math.max(...items.map(({ timeoutMs }) => timeoutMs)),
      deadlineMono: Math.max(...items.map(({ deadlineMono }) => deadlineMono)),
    });
    this.#sent = { call, items };
    const outcome = await this.#outcomeOf(call, operation);
    this.#sent = undefined;
    requests.sequence.finish(seq);
    if (this.#isOver || this.#session.over()) return false;
    if ('refusal' in outcome) return this.#handleRefused(items, outcome.refusal);
    if ('error' in outcome) {
      if (outcome.error.outcome === 'unknown') this.#abandonedSeq = seq;
      this.#notDone(items, outcome.error);
      return false;
    }
    this.#executed(items, outcome.reply);
    return true;
  }

  async #outcomeOf(
    call: Call<RouteOperation>,
    operation: RouteOperation,
  ): Promise<{ reply: RouteChangeReply } | { refusal: RefusalFields } | { error: MgmError }> {
    try {
      const { reply } = await call.result;
      if (!isRefusal(reply)) return { reply };
      if (isSessionGone(reply)) return { refusal: reply };
      return { error: refusalError(reply, { operation, router: this.#context.router }) };
    } catch (error) {
      if (error instanceof MgmError) return { error };
      throw error;
    }
  }

  /** If the session may be registered again, its pending elements fail like all calls, as worth repeating. */
  #handleRefused(items: readonly Item[], refusal: RefusalFields): false {
    const { mayRecover, onHandleRefused } = this.#session;
    for (const item of items) this.#putBack(item);
    if (mayRecover(refusal)) this.#queue.unshift(...items);
    else for (const item of items) this.#fail(item, refusalError(refusal, {}));
    onHandleRefused(refusal);
    return false;
  }

  /** The request failed as a whole. */
  #notDone(items: readonly Item[], error: MgmError): void {
    const isUnknown = error.outcome === 'unknown';
    const isFinal = !isUnknown && !error.retryable;
    for (const item of items) {
      if (isUnknown) this.#unsettled.set(prefixText(item.target), item.target);
      else this.#putBack(item);
      this.#fail(item, error);
    }
    if (isFinal)
      this.#lose(
        items.filter(({ caller }) => !caller),
        error,
      );
  }

  #executed(items: readonly Item[], { failed, rrev }: RouteChangeReply): void {
    const refused = new Set(failed.map(([at]) => at));
    for (const [at, item] of items.entries()) if (!refused.has(at)) this.#done(item, rrev);
    const lost = new Map<string, { error: MgmError; items: Item[] }>();
    for (const failure of failed) {
      const item = items[failure[0]];
      if (!item) continue;
      const { operation } = item;
      const error = refusalError(elementRefusal(failure), {
        operation,
        router: this.#context.router,
      });
      if (item.caller) this.#fail(item, error);
      else {
        const group = lost.get(error.reason) ?? { error, items: [] };
        group.items.push(item);
        lost.set(error.reason, group);
      }
    }
    for (const group of lost.values()) this.#lose(group.items, group.error);
  }

  #done(item: Item, rrev: number): void {
    const { operation, target, caller } = item;
    const text = prefixText(target);
    if (!caller) this.#unsettled.delete(text);
    else if (isWaitedFor(item)) {
      if (operation === 'rib.set' && isRoute(target)) this.#session.record.set(text, target);
      this.#resolve(item, { kind: 'done', rrev });
    } else if (operation === 'rib.set') this.#unsettled.set(text, target);
  }

  /** What the record says of these prefixes can't be set or deleted: it is given up. */
  #lose(items: readonly Item[], error: MgmError): void {
    const lost: Route[] = [];
    for (const { target } of items) {
      const text = prefixText(target);
      this.#unsettled.delete(text);
      if (isRoute(target) && this.#session.record.delete(text)) lost.push(target);
    }
    if (lost.length > 0) this.#session.onRoutesLost(lost, error);
  }

  /** A deletion was not executed. */
  #putBack({ target, former }: Item): void {
    if (former) this.#session.record.set(prefixText(target), former);
  }

  /** The caller gives up on what is pending of its call. */
  #giveUp(caller: Caller, why: 'timeout' | 'aborted'): void {
    const sent = this.#sent;
    for (const item of sent?.items ?? []) {
      if (item.caller === caller && sent) this.#fail(item, sent.call.failure(why));
    }
    for (const item of this.#queue) {
      if (item.caller === caller) this.#fail(item, gaveUp(why, caller.origin));
    }
    this.#queue = this.#queue.filter(isWaitedFor);
    if (sent && !sent.items.some((item) => !item.caller || isWaitedFor(item))) {
      sent.call.abandon(why);
    }
  }

  #fail(item: Item, error: MgmError): void {
    const { caller } = item;
    if (!caller || !isWaitedFor(item)) return;
    this.#resolve(item, { kind: 'failed', error: withOrigin(error, caller.origin) });
  }

  #resolve({ caller, at }: Item, result: RouteResult): void {
    if (!caller) return;
    caller.results[at] = result;
    this.#pending--;
    if (--caller.pending === 0) caller.finish();
  }
}
