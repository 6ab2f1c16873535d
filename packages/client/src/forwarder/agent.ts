import type { FlowResult, Mfe } from '@mgm/protocol';
import { isMgmError, MgmError } from '../errors.ts';
import { arrivalOf, readFlow, type FlowRef, type MfeCounters } from '../forwarding/flows.ts';
import { keyText } from '../interfaces/refs.ts';
import { entryText } from '../membership/refs.ts';
import type { Mgm } from '../mgm.ts';
import { silentLogger, type CallOptions, type Logger } from '../options.ts';
import { backoffMs, pause, systemClock, untilAborted, type Cancel } from '../rpc/clock.ts';
import type { Session } from '../session.ts';
import type { LeaseGate, Renewal } from '../session/keepalive.ts';
import { FailureReport, WrongIfReport } from './reports.ts';
import { FlowQueue } from './flow-queue.ts';
import { Hold } from './hold.ts';
import { holdMsOf, keepaliveEveryMsOf } from './options.ts';
import type { ForwarderOptions, ForwarderState } from './options.ts';
import { StatsReport } from './stats.ts';
import { ForwardingTable } from './table.ts';

const RETRY_FAILED_EVERY_MS = 10_000;
/** Forwarding contract, section 8.1: at most every 10 s. */
const STATS_EVERY_MS = 10_000;
const ATTACH_AGAIN_AFTER_MS = 1_000;
const START_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 2_000;

/**
 * Keeps a forwarding plane in agreement with the forwarding entries of a router: it attaches, applies every change in order,
 * reads what it missed, never installs the entry of a former owner, reports new flows, failures and counters, and removes
 * all entries when it has lost contact for `holdMs`. Wire contract section 13.
 *
 * A session that ends is replaced by another one, also after an eviction; that alone removes nothing. Only `stop` ends the
 * agent, or the end of its client.
 */
export class ForwarderAgent implements AsyncDisposable {
  readonly #mgm: Mgm;
  readonly #options: ForwarderOptions;
  readonly #logger: Logger;
  readonly #clock = systemClock;
  readonly #table: ForwardingTable;
  readonly #flows: FlowQueue;
  readonly #failures: FailureReport;
  readonly #stats: StatsReport;
  readonly #wrongIf: WrongIfReport;
  readonly #hold: Hold;
  readonly #stopping = new AbortController();
  readonly #attached = Promise.withResolvers<void>();
  readonly #cancels: Cancel[] = [];
  #state: ForwarderState = 'attaching';
  #session: Session | undefined;
  /** Ends the present watch. */
  #attachment: AbortController | undefined;
  #stopped: Promise<void> | undefined;

  /** @internal */
  private constructor(mgm: Mgm, options: ForwarderOptions) {
    this.#mgm = mgm;
    this.#options = options;
    const { plane, logger = silentLogger } = options;
    this.#logger = logger;
    const listener = {
      onRemoved: (key: string, mfe: Mfe, counters?: MfeCounters) => {
        this.#flows.deleted(key);
        this.#stats.deleted(key, mfe, counters);
      },
      onReplaced: () => this.#flows.allDeleted(),
    };
    this.#table = new ForwardingTable(plane, listener, this.#clock, logger);
    this.#flows = new FlowQueue({
      clock: this.#clock,
      logger,
      ask: (flows) => this.#ask(flows),
      onEntries: (mfes, isStale) => this.#table.add(mfes, isStale),
      onRefused: (flow, result) => options.onRefusedFlow?.(flow, result),
    });
    this.#failures = new FailureReport({
      ...{ table: this.#table, clock: this.#clock, logger, signal: this.#stopping.signal },
      report: async (items) => void (await this.#current().reportFailed(items)),
    });
    this.#stats = new StatsReport({
      ...{ clock: this.#clock, logger, plane },
      entry: (ref) => this.#table.get(entryText(readFlow(ref))),
      report: async (items) => void (await this.#current().reportStats(items)),
    });
    this.#wrongIf = new WrongIfReport({
      ...{ clock: this.#clock, logger },
      report: async (items) => void (await this.#current().reportWrongIf(items)),
    });
    this.#hold = new Hold(this.#clock, holdMsOf(options), () => this.#flush());
  }

  /**
   * Starts an agent: empties the forwarding plane, registers, and resolves when all entries are installed or have failed.
   *
   * Rejects with `MgmError`: `bad-request` (an option out of range), `already-registered`, `unavailable`, `timeout`,
   * `aborted`, `not-supported`. Then the agent has stopped.
   */
  static async start(mgm: Mgm, options: ForwarderOptions): Promise<ForwarderAgent> {
    const agent = new ForwarderAgent(mgm, options);
    const { deadlineMs = START_WITHIN_MS } = options;
    const limit = AbortSignal.timeout(deadlineMs);
    const signal = options.signal ? AbortSignal.any([limit, options.signal]) : limit;
    try {
      await agent.#table.flush(signal);
      signal.throwIfAborted();
      await agent.#register({ signal: options.signal, deadlineMs });
      agent.#begin();
      await untilAborted(agent.#attached.promise, signal);
      return agent;
    } catch (error) {
      await agent.stop();
      throw signal.aborted && !isMgmError(error) ? notStarted(options.signal?.aborted) : error;
    }
  }

  /** What it does now. */
  get state(): ForwarderState {
    return this.#state;
  }

  /** The number of its session; another one after each registration. */
  get session(): number | undefined {
    return this.#session?.id;
  }

  /** Every change up to this forwarding revision was applied; `undefined` while it is being read for the first time. */
  get frev(): number | undefined {
    return this.#table.frev;
  }

  /** The number of entries. */
  get size(): number {
    return this.#table.size;
  }

  /** The number of entries that the forwarding plane does not have because it failed. */
  get failed(): number {
    return this.#table.failed;
  }

  /** New flows that were not asked for because too many waited. */
  get droppedFlows(): number {
    return this.#flows.dropped;
  }

  /** The entries, in no particular order. */
  entries(): IterableIterator<Mfe> {
    return this.#table.all();
  }

  /**
   * A packet arrived that has no entry in the forwarding plane. Returns the entry if the agent knows it, without asking a
   * manager. Otherwise the flow is asked for, once per (s,g) and together with others; its entry arrives by `set`.
   *
   * Throws `MgmError` `bad-request` with `field` for a wrong address, interface or header.
   */
  newFlow(flow: FlowRef): Mfe | undefined {
    const entry = readFlow(flow);
    const key = entryText(entry);
    const known = this.#table.get(key);
    if (!known) this.#flows.add(key, { ...entry, ...arrivalOf(flow) });
    return known;
  }

  /**
   * A packet arrived on another interface than the incoming one of its entry. Its owner gets a hint if it asked for that
   * (`onWrongIf`). Packets of a flow on one interface are counted for 100 ms, for up to 64 of these; further ones are not
   * reported, and a hint may be lost.
   *
   * Throws `MgmError` `bad-request` with `field` for a wrong address, interface or header.
   */
  wrongIf(flow: FlowRef): void {
    const packet = { ...readFlow(flow), ...arrivalOf(flow) };
    this.#wrongIf.add(`${entryText(packet)} ${keyText(packet)}`, packet);
  }

  /**
   * Removes all entries from the forwarding plane, then deregisters; each of it takes at most 2 seconds. Never rejects: what
   * fails is logged.
   */
  async stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    await this.#stopped;
  }

  /** As {@link stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stop(): Promise<void> {
    this.#change('stopped');
    this.#stopping.abort();
    this.#attachment?.abort();
    this.#flows.end();
    this.#wrongIf.end();
    this.#hold.end();
    for (const cancel of this.#cancels) cancel();
    const limit = AbortSignal.timeout(STOP_WITHIN_MS);
    await untilAborted(this.#table.flush(limit), limit).catch((err: unknown) =>
      this.#logger.error({ err }, 'forwarding plane not emptied'),
    );
    const session = this.#session;
    if (!session || session.state === 'over') return;
    try {
      await session.deregister({ force: true, deadlineMs: STOP_WITHIN_MS });
    } catch (err) {
      this.#logger.warn({ err }, 'deregister failed');
    }
  }

  async #register(limits: CallOptions): Promise<void> {
    const { protocolId, componentId, name, ttlMs } = this.#options;
    const sentMono = this.#clock.monoMs();
    const session = await this.#mgm.registerProtocol({
      ...{ protocolId, componentId, name, ttlMs, reregister: true, ...limits },
      keepaliveEveryMs: keepaliveEveryMsOf(this.#options),
      gate: this.#gate(),
      on: { lost: () => this.#lostSession(), recovered: () => this.#begun() },
    });
    if (this.#stopping.signal.aborted) return await session.deregister({ force: true });
    this.#session = session;
    session.on('ended', ({ reason }) => this.#ended(session, reason));
    this.#contact(sentMono);
    this.#begun();
  }

  /** After the first registration. */
  #begin(): void {
    if (this.#options.plane.stats) this.#every(STATS_EVERY_MS, () => this.#stats.round());
    this.#every(RETRY_FAILED_EVERY_MS, async () => {
      await this.#table.retry();
      void this.#programmed();
    });
    const off = [
      this.#mgm.on('down', () => this.#hold.linkDown()),
      this.#mgm.on('closed', () => void this.stop()),
    ];
    this.#cancels.push(...off);
    void this.#attach();
  }

  /** A session has begun, to which nothing was reported yet. */
  #begun(): void {
    this.#table.reportAnew();
    this.#stats.reportAnew();
    this.#flows.open();
    void this.#programmed();
  }

  #lostSession(): void {
    this.#flows.close();
    this.#hold.unanswered(this.#clock.monoMs());
  }

  #ended(session: Session, reason: MgmError): void {
    if (session !== this.#session || this.#stopping.signal.aborted) return;
    this.#lostSession();
    this.#logger.warn({ message: reason.message }, 'session of the forwarder ended');
    void this.#registerAgain();
  }

  async #registerAgain(): Promise<void> {
    const { signal } = this.#stopping;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        return await this.#register({ signal });
      } catch (error) {
        if (isMgmError(error, 'closed')) return await this.stop();
        if (!signal.aborted) this.#logger.warn({ err: error }, 'forwarder not registered');
      }
      await pause(this.#clock, backoffMs(attempt), signal);
    }
  }

  /** The gate of the session: keepalives that are answered are contact. */
  #gate(): LeaseGate {
    const { gate } = this.#options;
    return {
      arm: (renewal: Renewal) => {
        this.#hold.unanswered(renewal.sentMono);
        gate?.arm(renewal);
      },
      commit: (renewal: Renewal) => {
        this.#contact(renewal.sentMono);
        gate?.commit(renewal);
      },
    };
  }

  /** A request was answered with status 0. `sentMono`: when it was sent. */
  #contact(sentMono: number): void {
    this.#hold.contact(sentMono);
    if (this.#state === 'flushed' && this.#hold.isHeld) void this.#attach();
  }

  /** Contact was lost for `holdMs`. */
  #flush(): void {
    if (this.#state === 'flushed' || this.#state === 'stopped') return;
    this.#logger.error({ size: this.#table.size }, 'no contact to managers: forwarding ends');
    this.#change('flushed');
    this.#attachment?.abort();
    this.#flows.allDeleted();
    this.#session?.reportProgrammed(0);
    void this.#table.flush(this.#stopping.signal);
  }

  /** Reads the table and follows its changes, until it is flushed or stopped. */
  async #attach(): Promise<void> {
    if (this.#state !== 'stopped') this.#change('attaching');
    const attachment = new AbortController();
    this.#attachment = attachment;
    const signal = AbortSignal.any([attachment.signal, this.#stopping.signal]);
    while (!signal.aborted) {
      try {
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (isMgmError(error, 'closed')) return await this.stop();
        this.#logger.error({ err: error }, 'forwarding entries not followed');
        if (isMgmError(error) && !error.retryable) this.#attached.reject(error);
      }
      await pause(this.#clock, ATTACH_AGAIN_AFTER_MS, signal);
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { frev: from, log } = this.#table;
    for await (const one of this.#mgm.watchForwarding({ from, log, signal })) {
      if (one.kind === 'snapshot') await this.#table.replace(one.mfes, one.frev, one.log);
      else if (one.kind === 'event') await this.#table.apply(one.event);
      else if (!signal.aborted) {
        this.#table.synced(one.frev, one.log);
        this.#change('attached');
        this.#attached.resolve();
      }
      void this.#programmed();
      void this.#stats.last();
    }
  }

  /** Reports up to which revision the forwarding plane agrees with the table, once all failures are reported. */
  async #programmed(): Promise<void> {
    if (this.#table.hasUnreported) await this.#failures.done();
    const { frev } = this.#table;
    if (frev !== undefined && !this.#table.hasUnreported) this.#session?.reportProgrammed(frev);
  }

  async #ask(flows: readonly FlowRef[]): Promise<readonly FlowResult[]> {
    const sentMono = this.#clock.monoMs();
    const results = await this.#current().reportFlows(flows);
    this.#contact(sentMono);
    return results;
  }

  #current(): Session {
    if (this.#session) return this.#session;
    throw new MgmError('the forwarder has no session', {
      ...{ reason: 'session-lost', outcome: 'not-done', retryable: true },
    });
  }

  /** One round after the other. */
  #every(ms: number, round: () => Promise<void>): void {
    const { signal } = this.#stopping;
    void (async () => {
      for (;;) {
        await pause(this.#clock, ms, signal);
        if (signal.aborted) return;
        await round();
      }
    })();
  }

  #change(state: ForwarderState): void {
    if (this.#state === state || this.#state === 'stopped') return;
    this.#state = state;
    try {
      this.#options.onState?.(state);
    } catch (err) {
      this.#logger.error({ err }, 'onState failed');
    }
  }
}

function notStarted(isAborted = false): MgmError {
  const message = isAborted
    ? 'the start was aborted'
    : 'the forwarding entries were not read in time';
  return new MgmError(message, {
    ...{ reason: isAborted ? 'aborted' : 'timeout', outcome: 'not-done', retryable: !isAborted },
  });
}
