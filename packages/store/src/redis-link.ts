import type { Redis } from 'ioredis';
import { ASK, DECIDE } from './generated/arbiter.ts';
import { loadArbiter, prepareArbiter } from './arbiter-library.ts';
import { Confirmation } from './confirmation.ts';
import type { Durability } from './durability.ts';
import { type ConnectionAddress, openRedis } from './redis-client.ts';
import { classifyRedisError, isNoFunction, isOfReplica } from './redis-errors.ts';
import { ServerCheck, unfitnessIn, type Unfitness, type UnfitServer } from './server-check.ts';
import { StoreError } from './store-error.ts';

/** Where the store stands with Redis. Told once per change. */
export type StoreState =
  | { readonly kind: 'connecting'; readonly reason?: string; readonly unfit?: Unfitness }
  | {
      readonly kind: 'ready';
      readonly server: string;
      /** Why some routers can't be decided on although others can: of a cluster, what is wrong with which nodes. */
      readonly missing?: string;
    }
  | { readonly kind: 'lost'; readonly reason: string; readonly unfit?: Unfitness }
  | { readonly kind: 'closed' };

export interface RedisLinkOptions {
  readonly address: ConnectionAddress;
  /** How long one call may take before its outcome counts as unknown, in ms. */
  readonly replyWithinMs: number;
  readonly durability: Durability;
  readonly onStateChange: (state: StoreState) => void;
}

const RECONNECT_FIRST_MS = 20;
const RECONNECT_MOST_MS = 500;
/** A server may be told to keep less than is promised while it runs. */
const CHECK_EVERY_MS = 5000;

/**
 * One connection to a Redis. Connects in the background and for ever; a call made while
 * there is no connection fails at once and was not sent; a call without an answer fails in time and counts as sent.
 * Nothing is ever sent twice (with its defaults ioredis runs a script again after a lost reply).
 */
export class RedisLink {
  readonly #redis: Redis;
  readonly #options: RedisLinkOptions;
  readonly #check: ServerCheck;
  readonly #confirmation: Confirmation | undefined;
  #state: StoreState = { kind: 'connecting' };
  #lastError = '';
  #unfit: UnfitServer | undefined;
  #checks: NodeJS.Timeout | undefined;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
    const { durability } = options;
    this.#check = new ServerCheck(durability);
    if (durability.mode === 'replicated') {
      this.#confirmation = new Confirmation({ ...durability, send: this.#ask });
    }
    this.#redis = openRedis(options.address, {
      connectWithinMs: Math.max(1000, options.replyWithinMs * 2),
      // One that can be reached and must not be used is not asked without a pause.
      pauseMs: (failed) =>
        Math.min(
          RECONNECT_MOST_MS,
          RECONNECT_FIRST_MS * 2 ** (this.#unfit ? 10 : Math.min(failed, 10)),
        ) *
        (0.5 + Math.random() / 2),
    });
    this.#redis.on('ready', () => void this.#prepare());
    this.#redis.on('close', () => this.#lose(this.#lastError || 'the connection was closed'));
    this.#redis.on('error', (error: Error) => {
      this.#lastError = error.message;
      // Where no sentinel answers there is no connection yet that could be closed.
      if (this.#state.kind !== 'ready') this.#lose(error.message);
    });
    // Cut short while it asks sentinels, as by their word of a failover, ioredis ends and tries no more.
    this.#redis.on('end', () => this.#connectLater());
    this.#connect();
  }

  get state(): StoreState {
    return this.#state;
  }

  /** Runs the arbiter on one router; `mayGrow`: not where Redis is full. Rejects with `StoreError`. */
  async runArbiter(metaKey: string, request: Buffer, mayGrow: boolean): Promise<readonly Buffer[]> {
    if (this.#state.kind !== 'ready') throw this.#notReady();
    try {
      return await this.#inTime(this.#evaluate(mayGrow ? DECIDE : ASK, metaKey, request));
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** Runs one plain command. Rejects with `StoreError`. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    if (this.#state.kind !== 'ready') throw this.#notReady();
    try {
      return await this.#inTime(this.#redis.call(name, ...args));
    } catch (error) {
      throw this.#failed(error);
    }
  }

  close(): void {
    this.#become({ kind: 'closed' });
    clearInterval(this.#checks);
    this.#redis.disconnect();
  }

  async #evaluate(name: string, metaKey: string, request: Buffer): Promise<readonly Buffer[]> {
    try {
      return await this.#run('FCALL', name, '1', metaKey, request);
    } catch (error) {
      if (!isNoFunction(error)) throw error;
      await loadArbiter(this.#ask);
      return await this.#run('FCALL', name, '1', metaKey, request);
    }
  }

  /** Where replicas must have a change, its answer is worth nothing before they do. */
  async #run(...command: [name: string, ...args: (string | Buffer)[]]): Promise<readonly Buffer[]> {
    const reply = this.#redis.callBuffer(...command);
    const confirmed = this.#confirmation?.confirm();
    const [parts] = await Promise.all([reply, confirmed]);
    return buffers(parts);
  }

  /**
   * The call, or an error when its time is over. A process that was itself kept from running finds its timers due before
   * it has read what Redis answered long ago, so the last word comes after one more look at the socket.
   */
  async #inTime<Reply>(call: Promise<Reply>): Promise<Reply> {
    const { replyWithinMs } = this.#options;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(new Error(`no answer within ${replyWithinMs} ms`));
    const timer = setTimeout(() => setImmediate(() => setImmediate(giveUp)), replyWithinMs);
    try {
      return await Promise.race([call, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * A call that was not answered in time says that Redis hangs, one that was not confirmed that replicas do. Its connection
   * is dropped: what waits on it is answered now, not after a time limit each, and what comes next is refused until Redis
   * answers again, and its replicas have caught up.
   */
  #failed(error: unknown): StoreError {
    const failure = error instanceof StoreError ? error : classifyRedisError(error);
    if (failure.code === 'indeterminate' && this.#state.kind === 'ready') {
      this.#lose(failure.message);
      this.#redis.disconnect(true);
    } else if (isOfReplica(error) && this.#state.kind === 'ready') {
      this.#giveUp(failure);
    }
    return failure;
  }

  #notReady(): StoreError {
    const reason = 'reason' in this.#state ? this.#state.reason : undefined;
    return new StoreError('unavailable', `not connected to Redis${reason ? `: ${reason}` : ''}`);
  }

  #connect(): void {
    this.#redis.connect().catch((error: unknown) => this.#lose(messageOf(error)));
  }

  #connectLater(): void {
    if (this.#state.kind === 'closed') return;
    setTimeout(() => {
      if (this.#state.kind !== 'closed' && this.#redis.status === 'end') this.#connect();
    }, RECONNECT_MOST_MS);
  }

  /** Before the first call on a new connection: is this a server we can work with, and does it know the script? */
  async #prepare(): Promise<void> {
    try {
      const server = await this.#inTime(this.#check.check(this.#ask));
      await this.#inTime(prepareArbiter(this.#ask));
      this.#lastError = '';
      this.#unfit = undefined;
      this.#become({ kind: 'ready', server });
      this.#checks = setInterval(() => void this.#checkAgain(), CHECK_EVERY_MS);
    } catch (error) {
      this.#giveUp(error);
    }
  }

  async #checkAgain(): Promise<void> {
    if (this.#state.kind !== 'ready') return;
    try {
      await this.#inTime(this.#check.check(this.#ask));
    } catch (error) {
      if (this.#state.kind === 'ready') this.#giveUp(error);
    }
  }

  readonly #ask = (command: string, ...args: string[]): Promise<unknown> =>
    this.#redis.call(command, ...args);

  /** This connection is not used; the next one is asked again. */
  #giveUp(error: unknown): void {
    this.#unfit = unfitnessIn(error);
    this.#lastError = this.#unfit?.message ?? messageOf(error);
    this.#lose(this.#lastError);
    this.#redis.disconnect(true);
  }

  /** Told where it is news: that there is no connection, and each reason why a server that is there can't be used. */
  #lose(reason: string): void {
    clearInterval(this.#checks);
    this.#check.distrust();
    const before = this.#state;
    if (before.kind === 'closed') return;
    const unfit = this.#unfit?.message === reason ? this.#unfit.unfitness : undefined;
    const known = before.kind === 'ready' ? undefined : before;
    const isNews = unfit !== known?.unfit || (unfit && reason !== known?.reason);
    if (known?.reason !== undefined && !isNews) return;
    const kind = before.kind === 'connecting' ? 'connecting' : 'lost';
    this.#become({ kind, reason, ...(unfit && { unfit }) });
  }

  #become(state: StoreState): void {
    if (this.#state.kind === 'closed') return;
    this.#state = state;
    this.#options.onStateChange(state);
  }
}

function buffers(reply: unknown): readonly Buffer[] {
  if (Array.isArray(reply) && reply.every((part) => Buffer.isBuffer(part))) return reply;
  throw new TypeError('the arbiter answered something that is not a list of strings');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
