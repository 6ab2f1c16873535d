import { randomUUID } from 'node:crypto';
import type { SessionId } from '@mgm/protocol';
import { ask, type AskOptions, type Context } from '../rpc/context.ts';
import { isMgmError, MgmError, refusalError } from '../errors.ts';
import { marginMs } from './lease-clock.ts';
import { granted, type Success } from '../rpc/replies.ts';

/** Who registers, and on what terms. */
export interface Registrant {
  /** The protocol's id: any u32; 10 and composite ids of multicast type with 10 in the low half are IGMP. */
  readonly protocolId: number;
  /** The instance of the protocol: any u32. The pair names one client. */
  readonly componentId: number;
  /** For people: shown with what the session owns. At most 256 characters. */
  readonly name?: string | undefined;
  /** How long the session lives without a keepalive: 1000 to 300000 ms, default 10000. */
  readonly ttlMs?: number | undefined;
  /** How long after that its interfaces are kept for the pair to register again: 0 to 3600000 ms, default 0. */
  readonly graceMs?: number | undefined;
  /** Takes over from a live session of the pair: only where its process is known to be gone. */
  readonly takeover?: boolean | undefined;
}

/** What a session registers with: as its user said, or to go on where its own former session still lives. */
export interface Registering extends Registrant {
  readonly resumes?: SessionId | undefined;
}

/** A session as the store has it. */
export interface Registered {
  readonly fields: Success<'register'>;
  /** From before the request was sent that began the lease. */
  readonly sentMono: number;
}

/**
 * Registers, under one `instance` however often that takes. An `instance` whose `register` had no answer is remembered:
 * the next attempt of this client for the same pair repeats it, and gets the session that the first one may have
 * begun instead of `already-registered`.
 */
export class Registrar {
  readonly #context: Context;
  readonly #unanswered = new Map<string, string>();

  constructor(context: Context) {
    this.#context = context;
  }

  async register(registrant: Registering, options: AskOptions): Promise<Registered> {
    const pair = `${registrant.protocolId}/${registrant.componentId}`;
    const instance = this.#unanswered.get(pair) ?? randomUUID();
    // Out of the map while it is in use: two calls at once must not get one session.
    this.#unanswered.delete(pair);
    try {
      return await this.#untilInTime(registrant, instance, options);
    } catch (error) {
      if (isMgmError(error) && error.outcome === 'unknown') this.#unanswered.set(pair, instance);
      throw error;
    }
  }

  async #untilInTime(
    registrant: Registering,
    instance: string,
    options: AskOptions,
  ): Promise<Registered> {
    const { clock } = this.#context;
    const endsMono = clock.monoMs() + (options.deadlineMs ?? this.#context.deadlineMs);
    for (;;) {
      const deadlineMs = endsMono - clock.monoMs();
      if (deadlineMs <= 0) throw this.#tooLate(registrant);
      const registered = await this.#once(registrant, instance, { ...options, deadlineMs });
      const { ttlMs } = registered.fields;
      if (clock.monoMs() < registered.sentMono + ttlMs - marginMs(ttlMs)) return registered;
      // The answer took longer than the lease that it tells of: the same again renews it.
    }
  }

  async #once(registrant: Registering, instance: string, options: AskOptions): Promise<Registered> {
    const place = { operation: 'register', router: this.#context.router } as const;
    const answer = await ask(this.#context, 'register', fieldsOf(registrant, instance), options);
    const fields = granted(answer.reply, (refusal) => refusalError(refusal, place));
    // Any attempt that may have been executed may be the one that the lease counts from.
    return { fields, sentMono: answer.firstSentMono };
  }

  #tooLate({ protocolId, componentId }: Registrant): MgmError {
    return new MgmError(`the lease of (${protocolId}, ${componentId}) ran out while it was begun`, {
      reason: 'timeout',
      outcome: 'unknown',
      operation: 'register',
      router: this.#context.router,
      retryable: true,
    });
  }
}

function fieldsOf(
  { protocolId, componentId, name, ttlMs, graceMs, takeover, resumes }: Registering,
  instance: string,
) {
  return {
    protocolId,
    componentId,
    instance,
    ...(name !== undefined && { name }),
    ...(ttlMs !== undefined && { ttlMs }),
    ...(graceMs !== undefined && { graceMs }),
    ...(takeover !== undefined && { takeover }),
    ...(resumes !== undefined && { resumes }),
  };
}
