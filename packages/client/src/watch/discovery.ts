import { SERVICE_NAME, subjectsUnder } from '@mgm/protocol';
import type { Subjects } from '@mgm/protocol';
import { MgmError } from '../errors.ts';
import { omitUndefined } from '../options.ts';
import { pause } from '../rpc/clock.ts';
import type { Context } from '../rpc/context.ts';
import { decodeHead } from '../rpc/messages.ts';
import { connectionClosed, type Incoming } from '../rpc/transport.ts';

/** A manager as it reports itself. Counts are of its present run. */
export interface ReplicaFields {
  /** Of this run, as NATS knows it: `$SRV.INFO.mgm-manager.<id>` reaches it alone. */
  readonly id: string;
  /** As configured (`MGM_NAME`), for logs and people. */
  readonly name: string;
  readonly version: string;
  /** When it began to serve, in ms, by its own clock. */
  readonly startedAt: number;
  /** Requests that it received. */
  readonly requests: number;
  /** How many of them it has answered. */
  readonly answered: number;
  /** How many of the replies decided nothing: `unavailable`, `overloaded`, `indeterminate` or `store-full`. */
  readonly failed: number;
  /** Mean time from receiving a request to its reply, in ms; `undefined` before the first. */
  readonly meanMs: number | undefined;
  /** What it promises for an acknowledged change: `memory`, `durable` or `replicated`; `undefined` if not reported. */
  readonly durability: string | undefined;
  /** How it identifies callers: `none` or `subject`; `undefined` from an older manager. */
  readonly identity: string | undefined;
  /**
   * The newest schema of a router's data that it reads and writes; `undefined` from an older manager. A manager answers
   * nothing for a router whose data has a newer schema.
   */
  readonly schema: number | undefined;
  /** The server that holds its state, `redis 7.0.15`; `undefined` if not reported. */
  readonly store: string | undefined;
  /** The id of its store: replicas with different ids do not share their state. `undefined` if it reports none. */
  readonly storeId: string | undefined;
  /** Why it can't decide requests now; empty when it can. */
  readonly trouble: readonly string[];
}

/** The difference between the store clock and the clock of this machine. */
export interface ClockDifference {
  /** How far the store clock is ahead, in ms; negative if it is behind. */
  readonly aheadMs: number;
  /** The error of that, in ms: half of the round trip. */
  readonly withinMs: number;
}

/** A manager that serves. */
export interface Replica extends ReplicaFields {
  /** Measured with this reply; `undefined` if the replica did not reach its store for it. */
  readonly storeClock: ClockDifference | undefined;
}

/** How long to collect replies. */
export interface ReplicasOptions {
  /**
   * How long to wait for replies, in ms: 1 to 60000, default 500. Later ones are not listed; but without any reply by
   * then, the first one is awaited up to the deadline of this client's calls.
   */
  readonly withinMs?: number | undefined;
  /** Aborts the call: it rejects with `MgmError` `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

const REPLICAS_WITHIN_MS = 500;
const SUBJECT = `$SRV.STATS.${SERVICE_NAME}`;

/** Asks every manager under this prefix, and waits `withinMs` because their number is unknown. */
export async function listReplicas(
  context: Context,
  { withinMs = REPLICAS_WITHIN_MS, signal }: ReplicasOptions = {},
): Promise<Replica[]> {
  checkWithin(withinMs);
  const { transport, clock, deadlineMs } = context;
  if (transport.state === 'closed') throw connectionClosed();
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
  if (signal?.aborted) throw failure('aborted', 'listing replicas was aborted by its caller');
  return round.found.toSorted((a, b) => a.name.localeCompare(b.name) || a.id.localeCompare(b.id));
}

let lastRound = 0;

/** One request to all managers, and their replies. */
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
    // One token deeper than the reply subjects of requests, so that the two do not collide.
    this.#inbox = `${transport.inbox}.replicas.${++lastRound}`;
    this.#end = [
      transport.subscribe(this.#inbox, (reply) => this.#onReply(reply)),
      transport.listen({
        onState: (state) => state !== 'up' && this.#over.abort(),
        onForbidden: (_, subject) => this.#onForbidden(subject),
      }),
    ];
  }

  /** Fires when no further reply can arrive. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  /** Fires with the first reply. */
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
    this.refused = failure('not-permitted', `NATS does not let this user use ${subject}`);
    this.#over.abort();
  }
}

/** A router with live sessions. */
export interface RouterSummary {
  readonly router: string;
  /** Its last revision. */
  readonly rev: number;
  /** The id of its event log. */
  readonly log: string;
}

/** How long to collect heads. */
export interface RoutersOptions {
  /** In ms: 1 to 60000, default 1500. Managers publish the head of such a router at least once a second. */
  readonly withinMs?: number | undefined;
  /** Aborts the call: it rejects with `MgmError` `aborted`. */
  readonly signal?: AbortSignal | undefined;
}

const ROUTERS_WITHIN_MS = 1_500;

/** Collects the heads of all routers. */
export async function listRouters(
  { transport, subjects, clock }: Context,
  { withinMs = ROUTERS_WITHIN_MS, signal }: RoutersOptions = {},
): Promise<RouterSummary[]> {
  checkWithin(withinMs);
  if (transport.state === 'closed') throw connectionClosed();
  const found = new Map<string, RouterSummary>();
  const over = new AbortController();
  let isForbidden = false;
  const subject = subjects.allHeads;
  const ends = [
    transport.subscribe(subject, ({ subject: of, data }) => {
      const [router, head] = [subjects.routerOf(of), decodeHead(data)];
      if (router && head) found.set(router, { router, rev: head.rev, log: head.log });
    }),
    transport.listen({
      onState: (state) => state === 'closed' && over.abort(),
      onForbidden: (operation, forbidden) => {
        if (operation !== 'subscription' || forbidden !== subject) return;
        isForbidden = true;
        over.abort();
      },
    }),
  ];
  try {
    await pause(clock, withinMs, AbortSignal.any([over.signal, ...(signal ? [signal] : [])]));
  } finally {
    for (const end of ends) end();
  }
  if (isForbidden)
    throw failure('not-permitted', `NATS does not let this user subscribe to ${subject}`);
  if (over.signal.aborted) throw connectionClosed();
  if (signal?.aborted) throw failure('aborted', 'listing routers was aborted by its caller');
  return [...found.values()].toSorted((a, b) => a.router.localeCompare(b.router));
}

/** The longest time to collect replies or heads. */
const LONGEST_MS = 60_000;

function checkWithin(withinMs: number): void {
  if (withinMs >= 1 && withinMs <= LONGEST_MS) return;
  throw failure('bad-request', `withinMs: must be 1 to ${LONGEST_MS} ms`, 'withinMs');
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
    ...omitUndefined({ field }),
  });
}

type Fields = Readonly<Record<string, unknown>>;

/** A reply to `$SRV.STATS`; `undefined` for any other message, and for a manager under another prefix. */
function readReplica(
  bytes: Uint8Array,
  subjects: Subjects,
): (ReplicaFields & { readonly storeClockMs: number | undefined }) | undefined {
  const stats = fieldsIn(bytes);
  const endpoints = listIn(stats, 'endpoints');
  const id = textIn(stats, 'id');
  // Managers that identify callers receive requests on other subjects.
  const isIdentified = textIn(asFields(stats['metadata']), 'identity') === 'subject';
  const take = subjectsUnder(subjects.prefix, isIdentified).anyRouter('take');
  if (id === undefined || !endpoints.some((one) => one['subject'] === take)) return undefined;
  const metadata = asFields(stats['metadata']);
  const data = endpoints.map((one) => asFields(one['data']));
  const state = data.map((one) => asFields(one['replica'])).find((one) => 'trouble' in one) ?? {};
  const answered = sum(data, (one) => numberIn(one, 'answered'));
  const tookMs = sum(data, (one) => numberIn(one, 'answered') * numberIn(one, 'meanMs'));
  return {
    id,
    name: textIn(metadata, 'replica') ?? id,
    version: textIn(stats, 'version') ?? '',
    startedAt: Date.parse(textIn(stats, 'started') ?? '') || 0,
    requests: sum(endpoints, (one) => numberIn(one, 'num_requests')),
    answered,
    failed: sum(data, (one) => numberIn(one, 'failed')),
    meanMs: answered > 0 ? tookMs / answered : undefined,
    durability: textIn(metadata, 'durability'),
    identity: textIn(metadata, 'identity'),
    schema: schemaIn(metadata),
    store: textIn(state, 'store') ?? textIn(metadata, 'store'),
    storeId: textIn(state, 'storeId') ?? textIn(metadata, 'storeId'),
    trouble: textsIn(state, 'trouble'),
    storeClockMs: typeof state['storeClockMs'] === 'number' ? state['storeClockMs'] : undefined,
  };
}

/** NATS allows only text in metadata. */
function schemaIn(metadata: Fields): number | undefined {
  const schema = textIn(metadata, 'schema') ?? '';
  return /^[1-9]\d{0,5}$/.test(schema) ? Number(schema) : undefined;
}

function fieldsIn(bytes: Uint8Array): Fields {
  try {
    const read: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return asFields(read);
  } catch {
    return {};
  }
}

function asFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function listIn(fields: Fields, name: string): Fields[] {
  const value = fields[name];
  return Array.isArray(value) ? value.map(asFields) : [];
}

function textIn(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' ? value : undefined;
}

function textsIn(fields: Fields, name: string): string[] {
  const value: unknown = fields[name];
  return Array.isArray(value) ? value.map(String) : [];
}

function numberIn(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

function sum(list: readonly Fields[], numberOf: (one: Fields) => number): number {
  return list.reduce((total, one) => total + numberOf(one), 0);
}
