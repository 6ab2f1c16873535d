import { randomUUID } from 'node:crypto';
import type { AlertType, SessionId } from '@mgm/protocol';
import { isMgmError, MgmError, refusalError } from '../errors.ts';
import { omitUndefined } from '../options.ts';
import { request, type Context, type RequestOptions } from '../rpc/context.ts';
import { granted, type Success } from '../rpc/messages.ts';
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
  /**
   * Takes over from a live session of the pair: only if its process is known to be gone. If it still runs, both act as owner
   * until it receives a callback, or until its deadline.
   */
  readonly takeover?: boolean | undefined;
}

/** A registration; `resumes` names this client's own former session, if that may still live. */
export interface Registering extends Registrant {
  /** The alert types that the session receives. */
  readonly alerts?: AlertType[] | undefined;
  readonly resumes?: SessionId | undefined;
}

/** The reply to a `register`. */
export interface Registered {
  readonly fields: Success<'register'>;
  /** From before the request was sent that began the lease. */
  readonly sentMono: number;
}

/** A `register` whose outcome is unknown. */
interface Unanswered {
  readonly instance: string;
  readonly terms: string;
  readonly resumes: SessionId | undefined;
}

/**
 * Registers, with one `instance` in all attempts. The `instance` of a `register` without a reply is remembered: the next
 * registration of this client for the same pair uses it again, and gets the session that the first one may have begun
 * instead of `already-registered`. If its terms differ, that session is replaced by one with the new terms.
 */
export class Registrar {
  readonly #context: Context;
  readonly #unanswered = new Map<string, Unanswered>();

  constructor(context: Context) {
    this.#context = context;
  }

  /** Rejects with {@link MgmError}. */
  async register(registrant: Registering, options: RequestOptions): Promise<Registered> {
    const pair = `${registrant.protocolId}/${registrant.componentId}`;
    const former = this.#unanswered.get(pair);
    // Not in the map while it is in use: two concurrent registrations must not get one session.
    this.#unanswered.delete(pair);
    const terms = termsOf(registrant);
    const resumes = former?.resumes ?? registrant.resumes;
    const attempt = {
      instance: former?.instance ?? randomUUID(),
      terms: former && former.terms !== terms ? UNKNOWN_TERMS : terms,
      resumes,
    };
    const endsMono = this.#endsMono(options);
    const registered = await this.#remembering(pair, attempt, former, () =>
      this.#untilInTime({ ...registrant, resumes }, attempt.instance, endsMono, options),
    );
    if (!former || former.terms === terms) return registered;
    return await this.#replace(pair, registrant, registered, endsMono, options);
  }

  /** Replaces a session of this client, which may have other terms, by one with these terms. */
  async #replace(
    pair: string,
    registrant: Registering,
    { fields: { session, resumed } }: Registered,
    endsMono: number,
    options: RequestOptions,
  ): Promise<Registered> {
    const attempt = { instance: randomUUID(), terms: termsOf(registrant), resumes: session };
    const { fields, sentMono } = await this.#remembering(pair, attempt, attempt, () =>
      this.#untilInTime({ ...registrant, resumes: session }, attempt.instance, endsMono, options),
    );
    return { fields: { ...fields, resumed }, sentMono };
  }

  /** Runs `work`; remembers the attempt if its outcome is unknown, or `former` if nothing was executed. */
  async #remembering(
    pair: string,
    attempt: Unanswered,
    former: Unanswered | undefined,
    work: () => Promise<Registered>,
  ): Promise<Registered> {
    try {
      return await work();
    } catch (error) {
      const kept = isMgmError(error) && error.outcome === 'unknown' ? attempt : former;
      if (kept) this.#unanswered.set(pair, kept);
      throw error;
    }
  }

  #endsMono({ deadlineMs = this.#context.deadlineMs }: RequestOptions): number {
    return this.#context.clock.monoMs() + deadlineMs;
  }

  async #untilInTime(
    registrant: Registering,
    instance: string,
    endsMono: number,
    options: RequestOptions,
  ): Promise<Registered> {
    const { clock } = this.#context;
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
      `the lease of (${protocolId}, ${componentId}) is shorter than the round trip: it ran out before its registration was answered`,
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

/** Not equal to any terms: one of several attempts with different terms may have begun the session. */
const UNKNOWN_TERMS = '';

/** The terms that a repeated `register` does not change. */
function termsOf({ name, ttlMs, graceMs, alerts }: Registering): string {
  return JSON.stringify([name ?? null, ttlMs ?? null, graceMs ?? null, alerts ?? []]);
}
