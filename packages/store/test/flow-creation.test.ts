import { beforeEach, describe, expect, it } from 'vitest';
import {
  DECLARED,
  type ArbiterArgs,
  type FlowOutcome,
  type FlowQuestion,
} from '../src/generated/arbiter.ts';
import {
  arbiterForEach,
  on,
  openArbiter,
  reached,
  type Arbiter,
  type TestClient,
} from './arbiter.ts';
import { FLOW, GROUP, NARROW, requestsTo, WIDE } from './requests.ts';

let arbiter: Arbiter;
let redis: { readonly url: string };
arbiterForEach((one, server) => {
  arbiter = one;
  redis = server;
});

const { join, key, lapse, noRoute, present, release, route, sweep, take } = requestsTo(
  () => arbiter,
);

/** The upstream router of all routes. */
const UPSTREAM_ROUTER = '10.0.0.9';
/** Bits of a client's mask: JOIN_ALERT and PRUNE_ALERT, RPF, CREATION_ALERT. */
const [ALERTS, RPF, CREATION] = [3, 16, 32];
/** Bits of `given`. */
const [UPSTREAM, ROUTE] = [1, 2];

async function begin(
  names: readonly string[] = [FLOW],
  silent: readonly number[] = [],
  asks = true,
): Promise<readonly FlowOutcome[]> {
  const { handle } = owner;
  const args = { handle, names, asks, silent } as ArbiterArgs['flow_new'];
  const reply = await arbiter.ask('flow_new', args);
  if (reply.kind !== 'flows') throw new Error(reply.kind);
  return reply.results;
}

/** The question in the only outcome. */
function asked([outcome]: readonly FlowOutcome[]): FlowQuestion {
  if (outcome?.kind !== 'asking') throw new Error(`not asking: ${outcome?.kind}`);
  return outcome.question;
}

interface Step {
  readonly isLast?: boolean;
  readonly answerer?: TestClient;
  readonly iif?: string;
  readonly given?: number;
  readonly upstream?: string;
  readonly prefix?: string;
  readonly protocol?: number;
  readonly vetoes?: string;
}

function stepArgs(question: FlowQuestion, step: Step): ArbiterArgs['flow_answered'] {
  return {
    names: [FLOW],
    incarnations: [question.incarnation],
    rpf: [question.isRpf ? 1 : 0],
    seen: [question.seen],
    last: [step.isLast ? 1 : 0],
    answerers: [step.answerer?.session ?? 0],
    iifs: [step.iif ?? ''],
    given: [step.given ?? 0],
    upstreams: [step.upstream ?? ''],
    prefixes: [step.prefix ?? ''],
    protocols: [step.protocol ?? 0],
    vetoes: [step.vetoes ?? ''],
    silent: [],
  };
}

async function goOn(question: FlowQuestion, step: Step = {}): Promise<readonly FlowOutcome[]> {
  const reply = await arbiter.ask('flow_answered', stepArgs(question, step));
  if (reply.kind !== 'flows') throw new Error(reply.kind);
  return reply.results;
}

const late = (incarnation: number, vetoes: string, name = FLOW) =>
  arbiter.ask('flow_veto', { name, incarnation, vetoes });

/** The veto of the only asker of a question, for all of its interfaces. */
function vetoIn({ askers: [asker] }: FlowQuestion): string {
  if (asker === undefined) throw new Error('no session is asked');
  return asker.oifs
    .split(',')
    .map((text) => text.split(' '))
    .map(([name = '', , epoch = '']) => `${asker.client} ${epoch} ${name}`)
    .join(',');
}

/** Owns the interfaces 1, which leads to the source, and 2. */
let owner: TestClient;
/** Owns the interfaces 3 and 4, and has a membership on 3. */
let receiver: TestClient;
beforeEach(async () => {
  owner = await arbiter.client({ mask: ALERTS + RPF });
  receiver = await arbiter.client({ mask: ALERTS + CREATION, graceMs: 600_000 });
  await take(owner, 1, 2);
  await take(receiver, 3, 4);
  await route(owner, WIDE, 1, UPSTREAM_ROUTER);
  await join(receiver, 3, GROUP);
});

describe('flow_new', () => {
  it('asks the owner of the interface towards the source, and is pending for others', async () => {
    const question = asked(await begin());
    expect(question).toMatchObject({
      ...{ isRpf: true, iif: on(1), neighbour: '10.0.0.9', prefix: WIDE, routeProtocol: 103 },
      askers: [{ session: owner.session, oifs: '' }],
    });
    expect(await begin()).toEqual([{ kind: 'pending' }]);
    expect(await begin()).toEqual([{ kind: 'pending' }]);
    expect(await arbiter.link.command('PTTL', key(`creating:${FLOW}`))).toBeLessThanOrEqual(2_000);
    await arbiter.link.command('DEL', key(`creating:${FLOW}`));
    expect(asked(await begin()).incarnation).toBeGreaterThan(question.incarnation);
  });

  it('asks owners of outgoing interfaces if no session can be asked for RPF', async () => {
    const question = asked(await begin([FLOW], [owner.session]));
    expect(question.isRpf).toBe(false);
    expect(question.askers).toMatchObject([{ session: receiver.session }]);
    expect(question.askers[0]?.oifs).toMatch(/^3: 0 \d+$/);
  });

  it('asks no session that is silent, stale, or did not request the question', async () => {
    const silent = [owner.session, receiver.session];
    expect(await begin([FLOW], silent)).toMatchObject([{ kind: 'created' }]);
    const other = `${GROUP}0a010204`;
    expect(await begin([other], [], false)).toMatchObject([{ kind: 'created' }]);
    await lapse(receiver);
    const third = `${GROUP}0a010205`;
    expect(await begin([third], [owner.session])).toMatchObject([
      { kind: 'created', mfe: { oifs: '3:' } },
    ]);
  });
});

/** A router with room for one entry, its owner and route, in the place of that of the test. */
async function limitedToOne(): Promise<Arbiter> {
  const own = await openArbiter(redis, undefined, undefined, undefined, { mfesMax: 1 });
  arbiter = own;
  owner = await own.client({ mask: RPF });
  await take(owner, 1);
  await route(owner, WIDE, 1, UPSTREAM_ROUTER);
  return own;
}

describe('flow_answered', () => {
  it('asks about outgoing interfaces after RPF, creates, and knows the entry afterwards', async () => {
    const rpf = asked(await begin());
    const creation = asked(await goOn(rpf, { answerer: owner }));
    expect(creation).toMatchObject({ incarnation: rpf.incarnation, isRpf: false, iif: on(1) });
    const { incarnation } = rpf;
    const mfe = { incarnation, iif: on(1), oifs: '3:', alerted: true };
    expect(await goOn(creation)).toMatchObject([{ kind: 'created', mfe }]);
    for (let times = 0; times < 2; times++) {
      expect(await goOn(creation)).toMatchObject([{ kind: 'known', mfe: { incarnation } }]);
      expect(await begin()).toMatchObject([{ kind: 'known', mfe: { incarnation } }]);
    }
    expect(await arbiter.link.command('EXISTS', key(`creating:${FLOW}`))).toBe(0);
  });

  it('lets the owner choose among its own interfaces, the upstream router and the route', async () => {
    const answer = { given: UPSTREAM + ROUTE, upstream: '10.9.9.9', prefix: NARROW, protocol: 7 };
    const rpf = asked(await begin());
    const creation = asked(await goOn(rpf, { answerer: owner, iif: '2:', ...answer }));
    expect(creation).toMatchObject({ iif: on(2), neighbour: '10.9.9.9', prefix: NARROW });
    await goOn(creation, { answerer: owner, iif: '2:', ...answer });
    expect(await present()).toMatchObject({ iif: on(2), neighbour: '10.9.9.9', prefix: NARROW });
  });

  it('ends the entry with the hold of the interface that the owner chose', async () => {
    const answer = { answerer: owner, iif: '2:' };
    await goOn(asked(await goOn(asked(await begin()), answer)), answer);
    await release(owner, 2);
    await sweep();
    expect(await arbiter.ask('fib', { after: 1, limit: 10 })).toMatchObject({
      messages: [{ items: [{ kind: 'del', name: FLOW, cause: 'iif-moved' }] }],
    });
    expect(await arbiter.link.command('EXISTS', key('mfe-index'))).toBe(0);
  });

  it.each(['an interface of another', 'a session that does not own the interface'])(
    'ignores an answer about %s',
    async (what) => {
      const answerer = what.startsWith('a session') ? receiver : owner;
      const answer = { answerer, iif: what.startsWith('a session') ? '2:' : '3:' };
      const creation = asked(await goOn(asked(await begin()), answer));
      expect(creation).toMatchObject({ iif: on(1), neighbour: '10.0.0.9' });
    },
  );

  it('puts vetoes into the entry', async () => {
    const creation = asked(await goOn(asked(await begin())));
    const vetoes = vetoIn(creation);
    expect(await goOn(creation, { vetoes })).toMatchObject([
      { kind: 'created', mfe: { oifs: '' } },
    ]);
  });

  it('ignores vetoes of former holds', async () => {
    const creation = asked(await goOn(asked(await begin())));
    const vetoes = vetoIn(creation);
    await release(receiver, 3);
    await take(receiver, 3);
    await join(receiver, 3, GROUP);
    expect(await goOn(creation, { vetoes, isLast: true })).toMatchObject([
      { kind: 'created', mfe: { oifs: '3:' } },
    ]);
  });

  it('asks again about outgoing interfaces that changed since the question', async () => {
    const creation = asked(await begin([FLOW], [owner.session]));
    await join(receiver, 4, FLOW);
    const rpf = asked(await goOn(creation, { vetoes: vetoIn(creation) }));
    expect(rpf).toMatchObject({ isRpf: true, incarnation: creation.incarnation });
    const again = asked(await goOn(rpf));
    expect(again.askers[0]?.oifs).toMatch(/^3: 0 \d+,4: 0 \d+$/);
    expect(await goOn(again)).toMatchObject([{ kind: 'created', mfe: { oifs: '3:,4:' } }]);
  });

  it('asks again when the route has moved or its interface was taken anew', async () => {
    const other = await arbiter.client({ mask: RPF });
    await take(other, 5);
    const first = asked(await begin());
    await route(other, NARROW, 5, UPSTREAM_ROUTER);
    const moved = asked(await goOn(first, { answerer: owner, iif: '2:' }));
    expect(moved).toMatchObject({ isRpf: true, iif: on(5), askers: [{ session: other.session }] });
    await release(other, 5);
    await take(other, 5);
    const anew = asked(await goOn(moved, { answerer: other }));
    expect(anew).toMatchObject({ isRpf: true, iif: on(5) });
    expect(anew.seen).not.toBe(moved.seen);
  });

  it('creates the entry with the present state in the last step', async () => {
    const creation = asked(await begin([FLOW], [owner.session]));
    await join(receiver, 4, FLOW);
    const vetoes = vetoIn(creation);
    expect(await goOn(creation, { vetoes, isLast: true })).toMatchObject([
      { kind: 'created', mfe: { oifs: '4:' } },
    ]);
  });

  it('creates a negative entry where the route is gone', async () => {
    const creation = asked(await begin([FLOW], [owner.session]));
    await noRoute(owner, WIDE);
    expect(await goOn(creation)).toMatchObject([{ kind: 'created', mfe: { iif: undefined } }]);
  });

  it('leaves the flow to the creation that followed, once its mark has ended', async () => {
    const former = asked(await begin());
    await arbiter.link.command('DEL', key(`creating:${FLOW}`));
    expect(await goOn(former)).toEqual([{ kind: 'pending' }]);
    const next = asked(await begin());
    expect(await goOn(former, { isLast: true })).toEqual([{ kind: 'pending' }]);
    expect(asked(await goOn(next))).toMatchObject({ incarnation: next.incarnation });
  });

  it('creates nothing above the limit', async () => {
    using own = await limitedToOne();
    const question = asked(await begin());
    await begin([`${GROUP}0a010204`], [], false);
    expect(await goOn(question)).toEqual([{ kind: 'limit' }]);
    expect(await own.link.command('EXISTS', key(`creating:${FLOW}`))).toBe(0);
  });

  it('creates nothing without memory, and lets the next request ask again immediately', async () => {
    using own = await limitedToOne();
    const former = asked(await begin());
    await own.link.command('DEL', key(`creating:${FLOW}`));
    const question = asked(await begin());
    await own.link.command('CONFIG', 'SET', 'maxmemory', '1');
    try {
      const full = { kind: 'store_full' };
      // A creation whose mark has ended leaves that of its successor alone.
      expect(await own.ask('flow_answered', stepArgs(former, {}))).toEqual(full);
      expect(await own.link.command('EXISTS', key(`creating:${FLOW}`))).toBe(1);
      for (let times = 0; times < 2; times++) {
        expect(await own.ask('flow_answered', stepArgs(question, {}))).toEqual(full);
      }
      expect(await own.ask('mfe_get', { name: FLOW })).toEqual({ kind: 'none' });
    } finally {
      await own.link.command('CONFIG', 'SET', 'maxmemory', '0');
    }
    expect(asked(await begin()).incarnation).toBeGreaterThan(question.incarnation);
  });
});

describe('flow_veto', () => {
  let creation: FlowQuestion;
  beforeEach(async () => {
    creation = asked(await begin([FLOW], [owner.session]));
    await goOn(creation, { isLast: true });
  });

  it('switches interfaces of the entry off, and is the same when repeated', async () => {
    const { incarnation } = creation;
    expect(await late(incarnation, vetoIn(creation))).toEqual({ kind: 'vetoed', changed: true });
    expect(await late(incarnation, vetoIn(creation))).toEqual({ kind: 'vetoed', changed: false });
    expect(await present()).toMatchObject({ incarnation, oifs: '', alerted: false });
  });

  it('concerns no other incarnation, and no entry that is gone', async () => {
    const nothing = { kind: 'vetoed', changed: false };
    expect(await late(creation.incarnation - 1, vetoIn(creation))).toEqual(nothing);
    expect(await late(creation.incarnation, vetoIn(creation), `${GROUP}0a010299`)).toEqual(nothing);
    await release(owner, 1);
    await take(owner, 1);
    expect(await late(creation.incarnation, vetoIn(creation))).toEqual(nothing);
    await begin([FLOW], [], false);
    expect(await late(creation.incarnation, vetoIn(creation))).toEqual(nothing);
    expect(await present()).toMatchObject({ oifs: '3:' });
  });

  it('ignores interfaces whose hold is over', async () => {
    await release(receiver, 3);
    await take(receiver, 3);
    await join(receiver, 3, GROUP);
    expect(await late(creation.incarnation, vetoIn(creation))).toMatchObject({ changed: false });
    expect(await present()).toMatchObject({ oifs: '3:' });
  });
});

it('reached every reply that a header declares, and every outcome', () => {
  const declared = Object.entries(DECLARED).flatMap(([operation, tags]) =>
    /^flow_(answered|veto)/.test(operation) ? tags.map((tag) => `${operation}:${tag}`) : [],
  );
  const outcomes = ['created', 'known', 'asking', 'pending', 'limit'] as const;
  const all = [...declared, ...outcomes.map((one) => `flow_answered:${one}`)];
  expect(all.filter((one) => !reached.has(one))).toEqual([]);
});
