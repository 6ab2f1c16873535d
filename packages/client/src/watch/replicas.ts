import { SERVICE_NAME } from '@mgm/protocol';
import { absentLeftOut } from '../rpc/absent.ts';
import type { Context } from '../rpc/context.ts';
import { readReplica, type ReplicaFields } from './decode-replica.ts';
import { MgmError } from '../errors.ts';
import type { Incoming } from '../rpc/transport.ts';
import { pause } from '../rpc/waiting.ts';

/** How the clock of the store differs from that of this machine. */
export interface ClockDifference {
  /** How far the store's is ahead, in ms; negative where it is behind. */
  readonly aheadMs: number;
  /** By how much that may be wrong, in ms: half of the round trip. */
  readonly withinMs: number;
}

/** A manager that is there, as it tells of itself. Counts are of its present run. */
export interface Replica extends ReplicaFields {
  /** Measured by this answer; `undefined` where the replica did not reach its store for it. */
  readonly storeClock: ClockDifference | undefined;
}

/** How long to listen. */
export interface ReplicasOptions {
  /**
   * For how long, in ms: 1 to 60000, default 500. Who answers later is not listed; but where nobody has answered by then, the
   * first is waited for, as long as a call of this client may take.
   */
  readonly withinMs?: number | undefined;
  /** Gives up: rejects with `MgmError` `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

const WITHIN_MS = 500;
const LONGEST_MS = 60_000;
const SUBJECT = `$SRV.STATS.${SERVICE_NAME}`;

/** Asks every manager under this prefix, and waits out the time since nobody knows how many there are. */
export async function listReplicas(
  context: Context,
  { withinMs = WITHIN_MS, signal }: ReplicasOptions = {},
): Promise<Replica[]> {
  if (!(withinMs >= 1 && withinMs <= LONGEST_MS)) {
    throw failure('bad-request', `withinMs: must be 1 to ${LONGEST_MS} ms`, 'withinMs');
  }
  const { transport, clock, deadlineMs } = context;
  if (transport.state !== 'up') throw failure('unavailable', 'NATS is not reachable');
  const round = new Round(context);
  try {
    round.ask();
    const over = AbortSignal.any([round.over, ...(signal ? [signal] : [])]);
    await pause(clock, withinMs, over);
    await pause(clock, deadlineMs - withinMs, AbortSignal.any([over, round.answered]));
  } finally {
    round.end();
  }
  if (round.refused) throw round.refused;
  if (signal?.aborted) throw failure('aborted', 'listing replicas was given up by its caller');
  return round.found.toSorted((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
}

let lastRound = 0;

/** One question to all of them, and what they answered. */
class Round {
  readonly found: Replica[] = [];
  refused: MgmError | undefined;
  readonly #context: Context;
  readonly #inbox: string;
  readonly #over = new AbortController();
  readonly #answered = new AbortController();
  readonly #end: (() => void)[];
  #sentMono = 0;
  #sentAt = 0;

  constructor(context: Context) {
    const { transport } = context;
    this.#context = context;
    // Deeper than the replies to requests, which it must not meet.
    this.#inbox = `${transport.inbox}.replicas.${++lastRound}`;
    this.#end = [
      transport.subscribe(this.#inbox, (reply) => this.#onReply(reply)),
      transport.listen({
        onState: (state) => state !== 'up' && this.#over.abort(),
        onForbidden: (_, subject) => this.#onForbidden(subject),
      }),
    ];
  }

  /** Fires when nothing more can come. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Fires with the first answer. */
  get answered(): AbortSignal {
    return this.#answered.signal;
  }

  ask(): void {
    const { transport, clock } = this.#context;
    this.#sentMono = clock.monoMs();
    this.#sentAt = Date.now();
    transport.publish(SUBJECT, new Uint8Array(), this.#inbox);
  }

  end(): void {
    for (const end of this.#end) end();
  }

  #onReply({ data, noResponders }: Incoming): void {
    if (noResponders) return this.#over.abort();
    const { subjects, clock } = this.#context;
    const tookMs = clock.monoMs() - this.#sentMono;
    const read = readReplica(data, subjects);
    if (!read) return;
    const { storeClockMs, ...fields } = read;
    const storeClock =
      storeClockMs === undefined
        ? undefined
        : { aheadMs: storeClockMs - (this.#sentAt + tookMs / 2), withinMs: tookMs / 2 + 1 };
    this.found.push({ ...fields, storeClock });
    this.#answered.abort();
  }

  #onForbidden(subject: string): void {
    if (subject !== SUBJECT && subject !== this.#inbox) return;
    this.refused = failure('not-permitted', `NATS refuses this user ${subject}`);
    this.#over.abort();
  }
}

function failure(
  reason: 'bad-request' | 'unavailable' | 'not-permitted' | 'aborted',
  message: string,
  field?: string,
): MgmError {
  return new MgmError(message, {
    reason,
    outcome: 'not-done',
    retryable: reason === 'unavailable',
    ...absentLeftOut({ field }),
  });
}
