import {
  ALERT_TYPES,
  type AlertType,
  type Cause,
  type Client,
  type ClientNumber,
  type EntryNumber,
  type GroupFilter,
  type InterfaceNumber,
  type Limits,
  type MembershipModel,
  type Pair,
} from './machine.ts';

/** One atomic step of a router, or what one client does. */
export type Action =
  | { readonly do: 'register'; readonly pair: Pair; readonly alerts: readonly AlertType[] }
  | {
      readonly do: 'take';
      readonly client: ClientNumber;
      readonly on: InterfaceNumber;
      readonly advise?: boolean;
    }
  | {
      readonly do: 'release';
      readonly client: ClientNumber;
      readonly on: InterfaceNumber;
    }
  | {
      /** `localMembers` of an owner. */
      readonly do: 'advise';
      readonly client: ClientNumber;
      readonly on: InterfaceNumber;
      readonly advise: boolean;
    }
  | {
      /** By an operator. */
      readonly do: 'limit';
      readonly on: InterfaceNumber;
      readonly limits: Limits;
    }
  | {
      readonly do: 'add' | 'delete';
      readonly client: ClientNumber;
      readonly on: InterfaceNumber;
      readonly entry: EntryNumber;
    }
  | {
      /** By an operator; and what follows from a take. */
      readonly do: 'configure' | 'unconfigure' | 'activate';
      readonly on: InterfaceNumber;
      readonly entry: EntryNumber;
    }
  | {
      readonly do: 'filter';
      readonly client: ClientNumber;
      readonly on: InterfaceNumber;
      readonly filter: GroupFilter;
    }
  | { readonly do: 'list'; readonly client: ClientNumber; readonly entry: EntryNumber }
  | { readonly do: 'purge' | 'review'; readonly entry: EntryNumber }
  | { readonly do: 'route'; readonly to: InterfaceNumber | undefined }
  | {
      readonly do: 'acknowledge';
      readonly client: ClientNumber;
      /** All but the RESYNC and what follows it. */
      readonly isBeforeResync?: boolean;
    }
  | {
      /** Unread alert items fill the mailbox of a client, which has some. */
      readonly do: 'fill';
      readonly client: ClientNumber;
      readonly room: number;
    }
  | { readonly do: 'stale' | 'resume'; readonly client: ClientNumber }
  | { readonly do: 'end'; readonly client: ClientNumber; readonly cause: Cause };

/** Which kinds of action a search or a history uses. */
export interface Allowed {
  readonly pairs: readonly Pair[];
  /** How many of the interfaces IGMP takes. */
  readonly igmpInterfaces: number;
  /** Grace time, inheritance, takeover. */
  readonly hasInheritance: boolean;
  /** The end of a session, after which its pair registers again. */
  readonly hasEnds: boolean;
  /** How many of the interfaces the route to the source may use. */
  readonly routeInterfaces: number;
  /** Acknowledging a mailbox. */
  readonly hasAcknowledgements: boolean;
  /** Static memberships. */
  readonly hasStatics?: boolean;
  /** `localMembers` of owners. */
  readonly hasAdvise?: boolean;
}

/** Every action that is possible in a state and may change it. */
export function* actionsIn(model: MembershipModel, allowed: Allowed): Generator<Action> {
  const { scope, clients } = model;
  for (const pair of allowed.pairs) {
    const isPresent = clients.some((one) => one.pair === pair && one.state !== 'ended');
    if (!isPresent) yield { do: 'register', pair, alerts: ALERT_TYPES };
  }
  for (const client of clients) {
    yield* sessionActions(client, allowed);
    if (client.state !== 'live') continue;
    for (let on = 0; on < scope.interfaces; on++) {
      if (client.pair.isIgmp && on >= allowed.igmpInterfaces) break;
      yield* interfaceActions(model, client, on, allowed);
    }
    if (client.isMuted) continue;
    for (let entry = 0; entry < scope.entries.length; entry++) {
      // In a settled entry a listing shows what the client knows: V1.
      if (isPending(model, entry)) yield { do: 'list', client: client.number, entry };
    }
  }
  for (let entry = 0; entry < scope.entries.length; entry++) {
    if (!isPending(model, entry)) continue;
    yield { do: 'purge', entry };
    if (!scope.entries[entry]?.raises) yield { do: 'review', entry };
  }
  if (allowed.hasStatics) yield* staticActions(model);
  yield* limitActions(model);
  if (model.route !== undefined) yield { do: 'route', to: undefined };
  for (let to = 0; to < allowed.routeInterfaces; to++) {
    if (to !== model.route) yield { do: 'route', to };
  }
}

function* staticActions(model: MembershipModel): Generator<Action> {
  for (let on = 0; on < model.scope.interfaces; on++) {
    for (let entry = 0; entry < model.scope.entries.length; entry++) {
      const isConfigured = model.statics[entry]?.includes(on);
      yield { do: isConfigured ? 'unconfigure' : 'configure', on, entry };
      if (model.isToBeActive(on, entry)) yield { do: 'activate', on, entry };
    }
  }
}

function* limitActions(model: MembershipModel): Generator<Action> {
  for (const limits of model.scope.limits ?? []) {
    for (const [on, present] of model.limits.entries()) {
      if (limits !== present) yield { do: 'limit', on, limits };
    }
  }
}

function isPending(model: MembershipModel, entry: EntryNumber): boolean {
  return model.isPending(entry);
}

function* sessionActions(
  { number: client, state, queued, isMuted }: Client,
  allowed: Allowed,
): Generator<Action> {
  if (state === 'ended') return;
  if (allowed.hasEnds) yield { do: 'end', client, cause: 'expire' };
  if (allowed.hasInheritance) yield { do: 'resume', client };
  if (state !== 'live') return;
  if (allowed.hasInheritance) yield { do: 'stale', client };
  if (!allowed.hasAcknowledgements) return;
  if (queued > 0 || isMuted) yield { do: 'acknowledge', client };
  if (queued > 0 && isMuted) yield { do: 'acknowledge', client, isBeforeResync: true };
}

function* interfaceActions(
  model: MembershipModel,
  { number: client, pair }: Client,
  on: InterfaceNumber,
  { hasAdvise = false }: Allowed,
): Generator<Action> {
  const rivals = pair.isIgmp ? model.igmps : model.owners;
  if (!rivals[on]) yield { do: 'take', client, on };
  if (!rivals[on] && hasAdvise && !pair.isIgmp) yield { do: 'take', client, on, advise: true };
  if (!model.holdOf(client, on)) return;
  if (hasAdvise && !pair.isIgmp) {
    yield { do: 'advise', client, on, advise: model.advised[on] !== true };
  }
  yield { do: 'release', client, on };
  for (const filter of model.scope.filters ?? []) yield { do: 'filter', client, on, filter };
  for (let entry = 0; entry < model.scope.entries.length; entry++) {
    const present = model.members[entry] ?? [];
    const isPresent = present.some((one) => one.holder === client && one.on === on);
    if (!isPresent || isPending(model, entry)) yield { do: 'add', client, on, entry };
    if (isPresent || isPending(model, entry)) yield { do: 'delete', client, on, entry };
  }
}
