import { eventually } from '@mgm/test-support';
import { isDeepStrictEqual } from 'node:util';
import type { Chance } from './chance.ts';
import { flowKey } from './flow-order.ts';
import type { RawAgent } from './raw-agent.ts';
import { newInstance, Protocols, type RawRouter, type RawSession } from './raw-client.ts';
import type { Head, Item, Mfe, MfeMessage } from './raw-operations.ts';
import { ok } from './raw-replies.ts';

const INTERFACES = [1, 2, 3, 4];
const GROUPS = ['', '239.1.1.1', '239.1.1.2', '::', 'ff0e::1'];
const PREFIXES: readonly (readonly [string, number])[] = [
  ['10.0.0.0', 8],
  ['10.1.0.0', 16],
  ['10.1.2.0', 24],
  ['2001:db8::', 32],
];
/** 192.0.2.1 is in none of the prefixes. */
const FLOWS: readonly Item[] = [
  ...['10.1.2.3', '10.1.9.9', '10.9.9.9', '192.0.2.1'].flatMap((source) => [
    ['239.1.1.1', source, 1, ''],
    ['239.1.1.2', source, 1, ''],
  ]),
  ['ff0e::1', '2001:db8::1', 1, ''],
];

/** Far above the time of settling and of an agent that missed the tail of the pushes, on a busy machine. */
const CALM_WITHIN_MS = 30_000;

const CLIENTS = [
  { protocolId: Protocols.pim, componentId: 1 },
  { protocolId: Protocols.dvmrp, componentId: 1 },
  { protocolId: Protocols.igmp, componentId: 1 },
];

/** Two routing protocols and IGMP, routes and flows on one router, driven at random, and agents that follow it. */
export class ForwardingWorld implements Disposable {
  readonly router: RawRouter;
  readonly #chance: Chance;
  readonly #sessions: RawSession[];
  readonly #heads: Head[];
  readonly #stop: () => void;
  /** The entries, `frev` and log of the last {@link calm}. */
  #before:
    { readonly table: Map<string, Mfe>; readonly frev: number; readonly log: string } | undefined;

  private constructor(router: RawRouter, chance: Chance, sessions: RawSession[]) {
    this.router = router;
    this.#chance = chance;
    this.#sessions = sessions;
    const watch = router.watch();
    this.#heads = watch.heads;
    this.#stop = () => watch[Symbol.dispose]();
  }

  static async open(router: RawRouter, chance: Chance): Promise<ForwardingWorld> {
    const sessions: RawSession[] = [];
    for (const fields of CLIENTS) sessions.push(await router.register(fields));
    const world = new ForwardingWorld(router, chance, sessions);
    const [pim, dvmrp, igmp] = sessions;
    if (!pim || !dvmrp || !igmp) throw new Error('three clients');
    ok(await pim.takeAll([[1, '']]));
    ok(await dvmrp.takeAll([[2, '']]));
    ok(
      await igmp.takeAll([
        [2, ''],
        [3, ''],
      ]),
    );
    ok(await pim.change('rib.set', { routes: [['10.0.0.0', 8, 1, '', '', 7]] }));
    return world;
  }

  [Symbol.dispose](): void {
    this.#stop();
  }

  async play(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) await this.#step();
  }

  /** After data loss, sessions begin anew. */
  async beginAnew(): Promise<void> {
    ok(await this.router.request('admin.end-holdoff', { actor: 'test', why: 'test' }));
    for (const [at, fields] of CLIENTS.entries()) {
      this.#sessions[at] = await this.router.register({ ...fields, takeover: true });
    }
  }

  /**
   * Waits until nothing is outstanding and the agents have applied all. Then W5: they have exactly the entries of `mfe.list`.
   * W4: the log since the last calm, applied to the entries of then, gives these. Returns how many entries there are.
   */
  async calm(agents: readonly RawAgent[]): Promise<number> {
    const head = await this.#settledHead();
    for (const agent of agents) {
      await eventually(
        async () => {
          await agent.idle();
          compare('the log of an agent', agent.log, head.log);
          compare('an agent is behind', agent.frev < head.frev, false);
        },
        { withinMs: CALM_WITHIN_MS, everyMs: 20 },
      );
    }
    const { table, frev } = await this.#list();
    compare('frev', frev, head.frev);
    for (const agent of agents) {
      compare('entries of an agent', withoutTimes(agent.table), withoutTimes(table));
    }
    if (this.#before?.log === head.log) {
      await this.#followLog(this.#before, frev);
      compare('entries by the log', withoutTimes(this.#before.table), withoutTimes(table));
    }
    this.#before = { table, frev, log: head.log };
    return table.size;
  }

  async #step(): Promise<void> {
    const chance = this.#chance;
    const session = chance.one(this.#sessions);
    const ifIndex = chance.one(INTERFACES);
    const kind = chance.between(1, 22);
    if (kind <= 5) await this.#flows(session);
    else if (kind <= 7) await session.take(ifIndex);
    else if (kind === 8) await session.release(ifIndex);
    else if (kind === 9) await this.#inherit(session);
    else if (kind <= 11) await this.#route(session, ifIndex);
    else await this.#members(session);
  }

  async #flows({ handle }: RawSession): Promise<void> {
    const flows = Array.from({ length: this.#chance.between(1, 4) }, () => this.#chance.one(FLOWS));
    ok(await this.router.request('flow.new', { handle, flows }));
  }

  async #route(session: RawSession, ifIndex: number): Promise<void> {
    const prefix = this.#chance.one(PREFIXES);
    if (this.#chance.between(1, 4) === 1) {
      ok(await session.change('rib.delete', { routes: [prefix] }));
      return;
    }
    const neighbour = prefix[0].includes(':') ? '' : this.#chance.one(['', '10.0.0.9']);
    ok(await session.change('rib.set', { routes: [[...prefix, ifIndex, '', neighbour, 7]] }));
  }

  async #members(session: RawSession): Promise<void> {
    const some = Array.from({ length: this.#chance.between(1, 4) }, () => [
      this.#chance.one(INTERFACES),
      '',
      this.#chance.one(GROUPS),
      '',
    ]);
    const op = this.#chance.between(1, 5) <= 3 ? 'member.add' : 'member.delete';
    ok(await session.bulk(op, some));
  }

  async #inherit(session: RawSession): Promise<void> {
    const fields = { ...session.asked, instance: newInstance(), takeover: true };
    this.#sessions[this.#sessions.indexOf(session)] = await this.router.register(fields);
  }

  /** A head by which everything that has happened so far is settled. */
  async #settledHead(): Promise<Head> {
    const { rev, mrev, log } = ok(await this.router.request('groups', { limit: 1 }));
    const { rrev } = ok(await this.router.request('rib.list', { limit: 1 }));
    // The last `flow.new` may have changed `frev` only, so that an earlier head has the other numbers, too.
    const { frev } = ok(await this.router.request('mfe.list', { limit: 1 }));
    return await eventually(
      () => {
        const head = this.#heads.at(-1);
        if (!head) throw new Error('no head yet');
        const isSettled = head.settled >= rev && head.msettled >= mrev && head.rsettled >= rrev;
        const isCurrent = head.log === log && head.frev >= frev;
        compare('the router is settled', isSettled && isCurrent, true);
        return Promise.resolve(head);
      },
      { withinMs: CALM_WITHIN_MS, everyMs: 20 },
    );
  }

  async #list(): Promise<{ table: Map<string, Mfe>; frev: number }> {
    const table = new Map<string, Mfe>();
    for (let cursor: unknown; ;) {
      const page = ok(await this.router.request('mfe.list', { cursor, limit: 3 }));
      for (const mfe of page.items) table.set(flowKey(mfe), mfe);
      cursor = page.cursor;
      if (cursor === undefined) return { table, frev: page.frev };
    }
  }

  /** Applies the log as it is: every number once. */
  async #followLog(
    { table, frev }: { table: Map<string, Mfe>; frev: number },
    to: number,
  ): Promise<void> {
    const changes: MfeMessage[] = [];
    for (let from = frev; from < to;) {
      const page = ok(await this.router.request('fib', { from, limit: 2 }));
      changes.push(...page.changes);
      from = page.changes.at(-1)?.last ?? to;
    }
    let next = frev + 1;
    for (const { first, last, items } of changes) {
      compare('numbers in fib', [first, last], [next, next + items.length - 1]);
      next = last + 1;
      for (const [kind, ...rest] of items) {
        if (kind === 'set') table.set(flowKey(rest[0] as Mfe), rest[0] as Mfe);
        else table.delete(flowKey({ group: String(rest[0]), source: String(rest[1]) }));
      }
    }
    compare('the end of fib', next, to + 1);
  }
}

/** Entries without the fields that depend on time, in one order. */
function withoutTimes(table: ReadonlyMap<string, Mfe>): readonly object[] {
  const keys = [...table.keys()].toSorted();
  return keys.map((key) => ({ ...table.get(key), upMs: 0, expiresInMs: 0 }));
}

function compare(what: string, found: unknown, expected: unknown): void {
  if (isDeepStrictEqual(found, expected)) return;
  throw new Error(`${what}: ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}
