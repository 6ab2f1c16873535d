import { isDeepStrictEqual } from 'node:util';
import type { Chance } from './chance.ts';
import { newInstance, Protocols, type RawRouter, type RawSession } from './raw-client.ts';
import { ALERTS, listAll, mailAfter, membershipsAfter, settled } from './raw-memberships.ts';
import { ok } from './raw-replies.ts';
import type { Stage } from './stage.ts';

const GROUPS = ['', '239.1.1.1', '239.1.1.2', '::', 'ff0e::1'];
const INTERFACES = [1, 2, 3];
const COMPARE_EVERY = 15;

/** A client, and what it knows from its last listing and later alerts: the entries that others want. */
interface Known {
  session: RawSession;
  wanted: Set<string>;
  seen: number;
  /** Entries of which an alert has come since the listing: from then on alerts alternate. */
  alerted: Set<string>;
  /** IGMP's memberships on its interfaces, by LOCAL alerts since the listing or the last window. */
  readonly local: Set<string>;
}

/** Three routing protocols and IGMP on one router, driven at random. Every request is sent twice. */
export class MembershipWorld {
  readonly #router: RawRouter;
  readonly #chance: Chance;
  readonly #clients: readonly Known[];

  private constructor(router: RawRouter, chance: Chance, clients: readonly Known[]) {
    this.#router = router;
    this.#chance = chance;
    this.#clients = clients;
  }

  static async open(stage: Stage, chance: Chance): Promise<MembershipWorld> {
    const router = stage.router();
    const clients: Known[] = [];
    for (const [protocolId, componentId] of [
      [Protocols.pim, 1],
      [Protocols.dvmrp, 1],
      [Protocols.dvmrp, 2],
      [Protocols.igmp, 1],
    ]) {
      const session = await router.register({ protocolId, componentId, alerts: ALERTS });
      const [wanted, alerted, local] = [new Set<string>(), new Set<string>(), new Set<string>()];
      clients.push({ session, seen: 0, wanted, alerted, local });
    }
    return new MembershipWorld(router, chance, clients);
  }

  /** Performs random steps and compares now and then. Returns how many. @throws at the first difference */
  async play(steps: number): Promise<number> {
    for (let step = 1; step <= steps; step++) {
      await this.#step();
      if (step % COMPARE_EVERY === 0) await this.#compare();
    }
    await this.#compare();
    await this.#compareLog();
    return steps;
  }

  async #step(): Promise<void> {
    const client = this.#chance.one(this.#clients);
    const ifIndex = this.#chance.one(INTERFACES);
    const kind = this.#chance.between(1, 20);
    if (kind === 1) return await this.#list(client);
    if (kind === 2) return await this.#inherit(client);
    if (kind <= 5) return await this.#release(client, ifIndex);
    if (kind <= 9) return await this.#twice(client, 'take', { ifIndex });
    const op = this.#chance.between(1, 5) <= 3 ? 'member.add' : 'member.delete';
    const count = this.#chance.between(1, 4);
    const some = Array.from({ length: count }, () => [
      this.#chance.one(INTERFACES),
      '',
      this.#chance.one(GROUPS),
      '',
    ]);
    await this.#twice(client, op, { entries: some });
  }

  /** V1 and V2: alerts alternate, and what a client knows equals what `groups` tells it. */
  async #compare(): Promise<void> {
    await settled(this.#router);
    for (const client of this.#clients) {
      await this.#read(client);
      const { handle } = client.session;
      const listed = await listAll(this.#router, 'groups', { handle });
      const wanted = listed.filter(([, , , others]) => others === true).map(([group]) => group);
      compare('wanted by others', [...client.wanted].toSorted(), wanted.toSorted());
      const mine = await listAll(this.#router, 'members', { session: client.session.session });
      const local = mine
        .filter(([, , , , holder]) => holder !== client.session.session)
        .map(([group, , ifIndex]) => `${String(ifIndex)} ${String(group)}`);
      compare('by LOCAL alerts', [...client.local].toSorted(), local.toSorted());
    }
  }

  /** V4: the log, applied from its beginning, gives the listing. */
  async #compareLog(): Promise<void> {
    const present = new Set<string>();
    let last = 0;
    for (const { first, mrev, type, protocolId, componentId, items } of await membershipsAfter(
      this.#router,
      0,
    )) {
      compare('first', first, last + 1);
      last = mrev;
      for (const item of items) {
        const key = JSON.stringify([protocolId, componentId, ...item]);
        compare(`${key} before ${type}`, present.has(key), type === 'left');
        if (type === 'joined') present.add(key);
        else present.delete(key);
      }
    }
    compare('by events', present.size, (await listAll(this.#router, 'members')).length);
  }

  /** V5: a repeat has the same reply. */
  async #twice(
    { session }: Known,
    op: 'take' | 'release' | 'member.add' | 'member.delete',
    fields: object,
  ): Promise<void> {
    const request = { ...session.next(), ...fields };
    const first = await this.#router.request(op, request);
    compare(`the repeat of ${op}`, await this.#router.request(op, request), first);
  }

  /** The client forgets what is local there, also if it takes the interface again before its next reading. */
  async #release(client: Known, ifIndex: number): Promise<void> {
    await this.#read(client);
    await this.#twice(client, 'release', { ifIndex });
    for (const one of [...client.local])
      if (one.startsWith(`${ifIndex} `)) client.local.delete(one);
  }

  async #inherit(client: Known): Promise<void> {
    const { asked } = client.session;
    const fields = { ...asked, instance: newInstance(), takeover: true };
    client.session = await this.#router.register(fields);
    client.seen = 0;
    await this.#list(client);
  }

  /** Rules 1 to 3 of section 5.7. */
  async #list(client: Known): Promise<void> {
    await settled(this.#router);
    const { handle, session } = client.session;
    const page = ok(await this.#router.request('groups', { handle, limit: 1000 }));
    const others = page.items.filter(([, , , wanted]) => wanted === true);
    client.wanted = new Set(others.map(([group]) => String(group)));
    client.alerted = new Set();
    client.seen = page.mailbox ?? 0;
    client.local.clear();
    for (const [group, , ifIndex, , holder] of await listAll(this.#router, 'members', {
      session,
    })) {
      if (holder !== session) client.local.add(`${String(ifIndex)} ${String(group)}`);
    }
  }

  async #read(client: Known): Promise<void> {
    for (const { seq, type, items = [] } of await mailAfter(client.session, client.seen)) {
      compare('seq', seq, client.seen + 1);
      client.seen = seq;
      for (const item of items) this.#apply(client, type, item);
    }
    await this.#forgetLost(client);
  }

  #apply({ wanted, alerted, local }: Known, type: string, item: readonly unknown[]): void {
    const [group, , ifIndex] = item;
    const name = String(group);
    if (type === 'LOCAL_JOIN') local.add(`${String(ifIndex)} ${name}`);
    if (type === 'LOCAL_LEAVE')
      compare('LOCAL_LEAVE', local.delete(`${String(ifIndex)} ${name}`), true);
    if (type !== 'JOIN_ALERT' && type !== 'PRUNE_ALERT') return;
    const isJoin = type === 'JOIN_ALERT';
    if (alerted.has(name)) compare(`known at ${type} of ${name}`, wanted.has(name), !isJoin);
    alerted.add(name);
    if (isJoin) wanted.add(name);
    else wanted.delete(name);
  }

  /** A window ends IGMP's memberships on an interface without LOCAL_LEAVE: a client forgets what it does not own. */
  async #forgetLost({ session, local }: Known): Promise<void> {
    for (const ifIndex of INTERFACES) {
      const owner = await this.#router.owner(ifIndex);
      if (owner.status === 0 && owner.session === session.session) continue;
      for (const one of [...local]) if (one.startsWith(`${ifIndex} `)) local.delete(one);
    }
  }
}

function compare(what: string, found: unknown, expected: unknown): void {
  if (isDeepStrictEqual(found, expected)) return;
  throw new Error(`${what}: ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
}
