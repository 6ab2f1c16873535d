import { randomUUID } from 'node:crypto';
import type { SessionId } from '@mgm/protocol';
import { isMgmError, MgmError, refusalError } from '../errors.ts';
import { omitUndefined } from '../options.ts';
import { request, type Context, type RequestOptions } from '../rpc/context.ts';
import { granted, type Success } from '../rpc/replies.ts';
import { marginMs } from './lease-clock.ts';

/** The client that registers, and its terms. */
export interface Registrant {
  /** The protocol's id: any u32; 10 and composite ids of multicast type with 10 in the low half are IGMP. */
  readonly protocolId: number;
  /** The instance of the protocol: any u32. The pair names one client. */
  readonly componentId: number;
  /** For people: shown with everything the session holds. At most 256 characters. */
  readonly name?: string | undefined;
  /** How long the session lives without a keepalive: 1000 to 300000 ms, default 10000. */
  readonly ttlMs?: number | undefined;
  /** How long its interfaces are kept after that for the pair to register again: 0 to 3600000 ms, default 0. */
  readonly graceMs?: number | undefined;
  /** Takes over from a live session of the pair: only if its process is known to be gone. */
  readonly takeover?: boolean | undefined;
}

/** A registration; `resumes` names this client's own former session, if that may still live. */
export interface Registering extends Registrant {
  readonly resumes?: SessionId | undefined;
}

/** The reply to a `register`. */
export interface Registered {
  readonly fields: Success<'register'>;
  /** From before the request was sent that began the lease. */
  readonly sentMono: number;
}

/**
 * Registers, with one `instance` in all attempts. The `instance` of a `register` without a reply is remembered: the next
 * registration of this client for the same pair uses it again, and gets the session that the first one may have begun
 * instead of `already-registered`.
 */
export class Registrar {
  readonly #context: Context;
  readonly #unanswered = new Map<string, string>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Rejects with {@link MgmError}. */
  async register(registrant: Registering, options: RequestOptions): Promise<Registered> {
    const pair = `${registrant.protocolId}/${registrant.componentId}`;
    const instance = this.#unanswered.get(pair) ?? randomUUID();
    // Not in the map while it is in use: two concurrent registrations must not get one session.
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
    options: RequestOptions,
  ): Promise<Registered> {
    const { clock } = this.#context;
    const endsMono = clock.monoMs() + (options.deadlineMs ?? this.#context.deadlineMs);
    for (;;) {
      const deadlineMs = endsMono - clock.monoMs();
      if (deadlineMs <= 0) throw this.#tooLate(registrant);
      const registered = await this.#once(registrant, instance, { ...options, deadlineMs });
      const { ttlMs } = registered.fields;
      if (clock.monoMs() < registered.sentMono + ttlMs - marginMs(ttlMs)) return registered;
      // The reply took longer than the lease that it grants: repeating the request renews it.
    }
  }

  async #once(
    registrant: Registering,
    instance: string,
    options: RequestOptions,
  ): Promise<Registered> {
    const origin = { operation: 'register', router: this.#context.router } as const;
    const fields = { ...omitUndefined({ ...registrant }), ...pairOf(registrant), instance };
    const result = await request(this.#context, 'register', fields, options);
    // Any attempt that may have been executed may be the one that the lease counts from.
    return {
      fields: granted(result.reply, (refusal) => refusalError(refusal, origin)),
      sentMono: result.firstSentMono,
    };
  }

  #tooLate(registrant: Registrant): MgmError {
    const { protocolId, componentId } = registrant;
    return new MgmError(
      `the lease of (${protocolId}, ${componentId}) ran out before its registration was answered`,
      {
        reason: 'timeout',
        outcome: 'unknown',
        operation: 'register',
        router: this.#context.router,
        retryable: true,
      },
    );
  }
}

function pairOf({ protocolId, componentId }: Registrant) {
  return { protocolId, componentId };
}
