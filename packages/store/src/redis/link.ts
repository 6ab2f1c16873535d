import type { Redis } from 'ioredis';
import type { Durability } from '../durability.ts';
import { ASK, DECIDE } from '../generated/arbiter.ts';
import { StoreError } from '../store-error.ts';
import { ServerCheck, unfitnessIn, type Unfitness, type UnfitServer } from './check.ts';
import { type ConnectionAddress, openRedis } from './client.ts';
import { Confirmation } from './confirmation.ts';
import { classifyRedisError, isNoFunction, isOfReplica } from './errors.ts';
import { loadArbiter, prepareArbiter } from './functions.ts';

/** The state of the connection to Redis. Reported once per change. */
export type StoreState =
  | { readonly kind: 'connecting'; readonly reason?: string; readonly unfit?: Unfitness }
  | {
      readonly kind: 'ready';
      readonly server: string;
      /** In a cluster: which nodes are unusable and why, so that their routers cannot be served. */
      readonly missing?: string;
    }
  | { readonly kind: 'lost'; readonly reason: string; readonly unfit?: Unfitness }
  | { readonly kind: 'closed' };

export interface LinkOptions {
  /** How long one call may take before its outcome counts as unknown, in ms. */
  readonly replyWithinMs: number;
  readonly durability: Durability;
  readonly onStateChange: (state: StoreState) => void;
}

/** The way to one Redis server or a cluster. Nothing is ever sent twice; every call ends within its time limit. */
export interface Link {
  readonly state: StoreState;
  /**
   * Runs the arbiter on one router. With `mayGrow` Redis refuses the call when it is out of memory. Rejects with
   * `StoreError`.
   */
  runArbiter(metaKey: string, request: Buffer, mayGrow: boolean): Promise<readonly Buffer[]>;
  /** Runs one plain command; its first argument is a key, which selects the node in a cluster. Rejects with `StoreError`. */
  command(name: string, ...args: string[]): Promise<unknown>;
  close(): void;
}

export type RedisLinkOptions = LinkOptions & { readonly address: ConnectionAddress };

const RECONNECT_FIRST_MS = 20;
const RECONNECT_MOST_MS = 500;
/** How often to check that the server's configuration still keeps the promised durability. */
const CHECK_EVERY_MS = 5000;

/**
 * One connection to a Redis. Connects in the background and keeps trying. A call made without a connection fails
 * immediately and was not sent; a call without a reply fails after a time limit and counts as sent. Nothing is ever sent
 * twice (with its defaults ioredis runs a script again after a lost reply).
 */
export class RedisLink implements Link {
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
      this.#confirmation = new Confirmation({ ...durability, send: this.#send });
    }
    this.#redis = openRedis(options.address, {
      connectWithinMs: Math.max(1000, options.replyWithinMs * 2),
      // An unfit server is reachable, so without the longest pause it would be tried in a tight loop.
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
      // If no sentinel replies, there is no connection yet and so no `close` event.
      if (this.#state.kind !== 'ready') this.#lose(error.message);
    });
    // Disconnected while it queries sentinels (a failover notice does that), ioredis ends and does not retry.
    this.#redis.on('end', () => this.#connectLater());
    this.#connect();
  }

  get state(): StoreState {
    return this.#state;
  }

  async runArbiter(metaKey: string, request: Buffer, mayGrow: boolean): Promise<readonly Buffer[]> {
    if (this.#state.kind !== 'ready') throw this.#notReady();
    try {
      return await this.#inTime(this.#evaluate(mayGrow ? DECIDE : ASK, metaKey, request));
    } catch (error) {
      throw this.#failed(error);
    }
  }

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
      await loadArbiter(this.#send);
      return await this.#run('FCALL', name, '1', metaKey, request);
    }
  }

  /** In `replicated` mode the reply counts only once replicas have the change. */
  async #run(...command: [name: string, ...args: (string | Buffer)[]]): Promise<readonly Buffer[]> {
    const reply = this.#redis.callBuffer(...command);
    const confirmed = this.#confirmation?.confirm();
    const [parts] = await Promise.all([reply, confirmed]);
    return buffers(parts);
  }

  /**
   * Rejects when the call takes too long. After a pause of this process its timers are due before it has read replies that
   * arrived meanwhile, so the socket is polled once more before the call is given up.
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
   * A call without a reply means that Redis hangs; one without confirmation, that replicas do. The connection is dropped:
   * pending calls fail now instead of after a time limit each, and new ones are refused until Redis replies again and its
   * replicas have caught up.
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

  /** Before the first call on a new connection: checks the server and loads the script. */
  async #prepare(): Promise<void> {
    try {
      const server = await this.#inTime(this.#check.check(this.#send));
      await this.#inTime(prepareArbiter(this.#send));
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
      await this.#inTime(this.#check.check(this.#send));
    } catch (error) {
      if (this.#state.kind === 'ready') this.#giveUp(error);
    }
  }

  readonly #send = (command: string, ...args: string[]): Promise<unknown> =>
    this.#redis.call(command, ...args);

  /** Abandons this connection; the next one is checked again. */
  #giveUp(error: unknown): void {
    this.#unfit = unfitnessIn(error);
    this.#lastError = this.#unfit?.message ?? messageOf(error);
    this.#lose(this.#lastError);
    this.#redis.disconnect(true);
  }

  /** Reports the first loss, and after that only a new reason why a reachable server cannot be used. */
  #lose(reason: string): void {
    clearInterval(this.#checks);
    this.#check.distrust();
    const before = this.#state;
    if (before.kind === 'closed') return;
    const unfit = this.#unfit?.message === reason ? this.#unfit.unfitness : undefined;
    const known = before.kind === 'ready' ? undefined : before;
    const isChange = unfit !== known?.unfit || (unfit && reason !== known?.reason);
    if (known?.reason !== undefined && !isChange) return;
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
  throw new TypeError('the arbiter did not reply with a list of strings');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
