import { startRedis, type RunningServer } from '@mgm/devstack';
import { routerName, type InterfaceKey, type NextHop, type RouterName } from '@mgm/protocol';
import { storedNumber } from '@mgm/test-support';
import { afterAll, afterEach, beforeAll, beforeEach, inject } from 'vitest';
import { Batcher, type BatcherOptions, type RouterLimits } from '../src/batcher.ts';
import type { Durability } from '../src/durability.ts';
import { metaKey } from '../src/keys.ts';
import type { ArbiterArgs, ArbiterOperation, ScriptReplies } from '../src/generated/arbiter.ts';
import type { HandleParts } from '../src/names.ts';
import type { Link } from '../src/redis/link.ts';
import type { Caller, Decision } from '../src/queued-operation.ts';
import { openLink } from '../src/redis/open.ts';

/** The arbiter as the store runs it, one level below the wire contract; records every reply. */
export interface Arbiter extends Disposable {
  readonly router: RouterName;
  readonly link: Link;
  decide<Name extends ArbiterOperation>(
    operation: Name,
    args: ArbiterArgs[Name],
    caller?: Caller,
  ): Promise<Decision<Name>>;
  ask<Name extends ArbiterOperation>(
    operation: Name,
    args: ArbiterArgs[Name],
    caller?: Caller,
  ): Promise<ScriptReplies[Name]>;
  /** Registers a client; returns what its requests need. */
  client(options?: Partial<ArbiterArgs['register']>, caller?: Caller): Promise<TestClient>;
}

export interface TestClient {
  readonly handle: HandleParts;
  readonly session: number;
  readonly instance: string;
  /** Fields of the next sequenced request, with everything before it acknowledged. */
  next(): Omit<ArbiterArgs['take'], 'interfaces'>;
}

/** `<operation>:<tag>` of every reply of the arbiters of this process. */
export const reached = new Set<string>();

let routers = 0;
let clients = 0;

/** Moves the service clock, on which leases, grace times and forwarding entries run, as if managers had served for that long. */
export async function passTime({ router, link }: Arbiter, ms: number): Promise<void> {
  await link.command(...storedNumber(metaKey('mgm', router), 'meta.serviceMs', 'add', ms));
}

/** Resolves once the link is ready. Each arbiter has a router of its own unless one is given. */
export async function openArbiter(
  redis: { readonly url: string },
  router?: RouterName,
  durability: Durability = { mode: 'memory' },
  bounds: Pick<BatcherOptions, 'batchMax' | 'queueMax'> = { batchMax: 256, queueMax: 100_000 },
  limits: Partial<RouterLimits> = {},
): Promise<Arbiter> {
  const own = router ?? routerName(`r${process.pid}-${++routers}`);
  const link = await readyLink(redis.url, durability);
  const batcher = new Batcher({
    ...bounds,
    eventRetention: 100_000,
    memoryKeptMs: 600_000,
    limits: {
      sessionsMax: 100_000,
      interfacesMax: 1_000_000,
      operatorEventsMax: 10_000,
      operatorRetentionMs: 3_600_000,
      entriesMax: 1_000_000,
      routesMax: 1_000_000,
      mfesMax: 1_000_000,
      ...limits,
    },
    isReplicated: durability.mode === 'replicated',
    run: (name, request, mayGrow) => link.runArbiter(metaKey('mgm', name), request, mayGrow),
    onDecided: () => {},
  });
  const decide: Arbiter['decide'] = async (operation, args, caller) => {
    const decision = await batcher.decide(own, operation, args, undefined, caller);
    note(operation, decision.reply);
    return decision;
  };
  return {
    router: own,
    link,
    decide,
    ask: async (operation, args, caller) => (await decide(operation, args, caller)).reply,
    client: (options, caller) => registerClient(decide, options, caller),
    [Symbol.dispose]: () => link.close(),
  };
}

async function readyLink(url: string, durability: Durability): Promise<Link> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const link = openLink({
    url,
    replyWithinMs: 5_000,
    durability,
    onStateChange: (state) => state.kind === 'ready' && resolve(),
  });
  await promise;
  return link;
}

function note(operation: string, reply: object): void {
  const outcomes = 'results' in reply && Array.isArray(reply.results) ? reply.results : [];
  for (const one of [reply, ...outcomes]) reached.add(`${operation}:${one.kind}`);
}

async function registerClient(
  decide: Arbiter['decide'],
  options: Partial<ArbiterArgs['register']> = {},
  caller?: Caller,
): Promise<TestClient> {
  const instance = options.instance ?? `instance-of-a-test-${++clients}`;
  const { reply } = await decide(
    'register',
    {
      protocolId: 103,
      componentId: ++clients,
      isIgmp: false,
      instance,
      name: '',
      ttlMs: 10_000,
      graceMs: 0,
      takeover: false,
      resumes: 0,
      mask: 0,
      secret: `${clients}`.padStart(22, 's'),
      ...options,
    },
    caller,
  );
  if (reply.kind !== 'registered') throw new Error(`not registered: ${reply.kind}`);
  // One promise to the service clock, long enough for a test; a manager renews it periodically.
  await decide('sweep', { most: 1, mostEntries: 1, servingMs: 3_600_000 });
  const handle = { client: reply.client, session: reply.session, secret: reply.secret };
  let seq = 0;
  return {
    handle,
    session: reply.session,
    instance,
    next: () => ({ handle, seq: ++seq, ack: seq, held: [], advise: false }),
  };
}

export function on(ifIndex: number, nextHop = ''): InterfaceKey {
  return { ifIndex, nextHop: nextHop as NextHop };
}

/** Starts a Redis for a test file and opens an arbiter with a router of its own on it for each test. */
export function arbiterForEach(use: (arbiter: Arbiter, redis: RunningServer) => void): void {
  let redis: RunningServer;
  let arbiter: Arbiter;
  beforeAll(async () => {
    redis = await startRedis(inject('servers'));
  });
  afterAll(() => redis.stop());
  beforeEach(async () => {
    arbiter = await openArbiter(redis);
    use(arbiter, redis);
  });
  afterEach(() => arbiter[Symbol.dispose]());
}
