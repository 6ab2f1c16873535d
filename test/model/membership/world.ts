import type { Action } from './actions.ts';
import { Beliefs } from './beliefs.ts';
import { brokenInvariant, brokenStep } from './invariants.ts';
import {
  ALERT_TYPES,
  MembershipModel,
  type Client,
  type ClientNumber,
  type EntryNumber,
  type Scope,
} from './machine.ts';

/** A router and what its clients know. */
export class World {
  readonly model: MembershipModel;
  readonly beliefs: Beliefs;

  private constructor(model: MembershipModel, beliefs: Beliefs) {
    this.model = model;
    this.beliefs = beliefs;
  }

  static empty(scope: Scope): World {
    return new World(new MembershipModel(scope), new Beliefs(scope.entries.length));
  }

  /** The world after an action, and which invariant it breaks, if any. */
  after(action: Action): { readonly world: World; readonly problem: string | undefined } {
    const world = new World(this.model.clone(), this.beliefs.clone());
    world.#apply(action);
    const news = world.model.takeNews();
    const heard = news.facts.map((fact) => world.beliefs.hear(fact));
    for (let entry = 0; entry < world.model.scope.entries.length; entry++) {
      if (!world.model.isPending(entry)) world.beliefs.settle(entry);
    }
    const problem =
      heard.find((one) => one !== undefined) ??
      brokenStep(this.model, world.model, news) ??
      brokenInvariant(world.model, world.beliefs);
    world.model.forgetEnded();
    return { world, problem };
  }

  #apply(action: Action): void {
    const { model, beliefs } = this;
    switch (action.do) {
      case 'register':
        this.#listAll(model.register(action.pair, action.alerts));
        return;
      case 'take':
        model.take(action.client, action.on, action.advise);
        return;
      case 'advise':
        model.setAdvise(action.client, action.on, action.advise);
        return;
      case 'limit':
        model.setLimits(action.on, action.limits);
        return;
      case 'release':
        model.release(action.client, action.on, 'release');
        return;
      case 'add':
        model.add(action.client, action.on, action.entry);
        return;
      case 'delete':
        model.delete(action.client, action.on, action.entry);
        return;
      case 'filter':
        model.set(action.client, action.on, action.filter);
        return;
      case 'configure':
      case 'unconfigure':
      case 'activate':
        model[action.do](action.on, action.entry);
        return;
      case 'route':
        model.setRoute(action.to);
        return;
      case 'purge':
        model.purge(action.entry);
        return;
      case 'review':
        model.review(action.entry);
        return;
      case 'list':
        this.#list(action.client, action.entry);
        return;
      case 'acknowledge': {
        const { isMuted } = model.client(action.client);
        model.acknowledge(action.client, action.isBeforeResync);
        if (isMuted && !action.isBeforeResync) this.#listAll(action.client);
        return;
      }
      case 'fill':
        model.fill(action.client, action.room);
        return;
      case 'stale':
        model.stale(action.client);
        beliefs.forget(action.client);
        return;
      case 'resume':
        model.resume(action.client, ALERT_TYPES);
        this.#listAll(action.client);
        return;
      case 'end':
        model.end(action.client, action.cause);
        beliefs.forget(action.client);
    }
  }

  /** Section 5.7: at registration, after inheritance and after a RESYNC. A client may list again at any time. */
  #listAll(client: ClientNumber): void {
    for (let entry = 0; entry < this.model.scope.entries.length; entry++) this.#list(client, entry);
  }

  #list(client: ClientNumber, entry: EntryNumber): void {
    const isSettled = !this.model.isPending(entry);
    this.beliefs.list(client, entry, this.model.listed(client, entry), isSettled);
  }

  /**
   * The same for two worlds that differ only in names: nothing that happens later can tell them apart. Interfaces, and
   * routing protocols, may change places. Exclude lists and limits are left out: searches have none.
   */
  key(): string {
    const named = this.model.clients.toSorted(byPair);
    const protocols = named.filter(({ pair }) => !pair.isIgmp);
    const igmps = named.filter(({ pair }) => pair.isIgmp);
    const [one, other] = [protocols, protocols.toReversed()].map((order) =>
      this.#keyIn([...order, ...igmps]),
    );
    return one !== undefined && other !== undefined && other < one ? other : (one ?? '');
  }

  #keyIn(clients: readonly Client[]): string {
    const { owners, igmps, members, withdrawn, notified, route, scope, advised } = this.model;
    const hasFullMailboxes = Number.isFinite(scope.mailboxMax);
    const places = new Map<ClientNumber | undefined, string>();
    let key = '';
    for (const { number, pair, state, queued, isMuted } of clients) {
      places.set(number, String(places.size));
      key += `${pair.isIgmp ? 'g' : 'p'}${state[0]}${this.beliefs.keyOf(number)}`;
      if (hasFullMailboxes) key += isMuted ? 'm' : queued;
    }
    const onInterface = owners.map((owner, on) => {
      const parts = [];
      for (let entry = 0; entry < members.length; entry++) {
        for (const one of members[entry] ?? []) {
          if (one.on === on) parts.push(`${entry}${places.get(one.holder)}`);
        }
        for (const one of withdrawn[entry] ?? []) {
          if (one.on !== on) continue;
          const tells = !one.window && owner?.number === one.ownerHold ? 't' : '';
          const counted = places.get(one.countsFor);
          parts.push(
            `${entry}${places.get(one.holder)}/${counted}${one.window ? 'w' : ''}${tells}`,
          );
        }
      }
      const held = `${places.get(owner?.client) ?? '-'}${places.get(igmps[on]?.client) ?? '-'}`;
      const settings = `${on === route ? 'r' : ''}${advised[on] ? 'a' : ''}`;
      return `|${held}${settings}${parts.toSorted().join()}`;
    });
    const last = notified.map((client) => places.get(client) ?? '-').join('');
    return `${key}${last}${onInterface.toSorted().join('')}`;
  }
}

function byPair(one: Client, other: Client): number {
  return one.pair.name < other.pair.name ? -1 : Number(one.pair.name > other.pair.name);
}
