import type { Model } from './linearize.ts';

/** A session on an interface, under an epoch. */
export interface Hold {
  readonly session: number;
  readonly epoch: string;
}

/** The sessions on one interface: a routing protocol and an IGMP session. */
export interface InterfaceState {
  readonly owner?: Hold | undefined;
  readonly igmp?: Hold | undefined;
}

type Place = keyof InterfaceState;

/** A call for one interface, or a change of it, with its outcome. */
export type InterfaceOp =
  | ({ readonly kind: 'take'; readonly session: number; readonly place: Place } & (
      | { readonly told: 'taken'; readonly epoch: string }
      | { readonly told: 'already-owned'; readonly holder: Hold }
      | { readonly told: 'already-taken' }
    ))
  | ({ readonly kind: 'release'; readonly session: number } & (
      | { readonly told: 'released'; readonly epoch?: string | undefined }
      | { readonly told: 'not-owner' }
      | { readonly told: 'not-found' }
    ))
  | ({ readonly kind: 'owner' } & (
      | ({ readonly told: 'held' } & Hold & { readonly igmp?: Hold | undefined })
      | { readonly told: 'free' }
    ))
  | ({ readonly kind: 'validate'; readonly epoch: string } & (
      | { readonly told: 'current' }
      | { readonly told: 'outdated'; readonly current?: string | undefined }
    ))
  | ({ readonly kind: 'admin-release' } & (
      ({ readonly told: 'released' } & Hold) | { readonly told: 'free' }
    ))
  /** A session ended: expired, evicted, deregistered. All its interfaces become free at one instant. */
  | { readonly kind: 'end'; readonly session: number }
  /** Resumed or taken over: the interfaces of `from` belong to `session`, under a new epoch. */
  | {
      readonly kind: 'inherit';
      readonly from: number;
      readonly session: number;
      readonly epoch: string;
    }
  /** The store lost its data. */
  | { readonly kind: 'store-reset' };

/**
 * One interface by the wire contract (sections 3 and 6): at most one owner and one IGMP session, each under an epoch.
 * That epochs rise is another check: here an epoch must only equal the granted one.
 */
export const interfaceModel: Model<InterfaceState, InterfaceOp> = {
  initial: {},
  step,
  onlyReads: ({ kind, told = '' }: { kind: string; told?: string }) =>
    !/^(end|inherit|store-reset)$/.test(kind) && !/^(taken|released)$/.test(told),
  key: ({ owner, igmp }) => `${keyOf(owner)} ${keyOf(igmp)}`,
};

function step(state: InterfaceState, op: InterfaceOp): InterfaceState | undefined {
  const { owner, igmp } = state;
  switch (op.kind) {
    case 'take':
      return take(state, op);
    case 'release':
      return release(state, op);
    case 'owner': {
      if (op.told === 'free') return given(state, !owner && !igmp);
      if (!owner) return given(state, same(igmp, op) && !op.igmp);
      return given(state, same(owner, op) && same(igmp, op.igmp));
    }
    case 'validate': {
      const isCurrent = owner?.epoch === op.epoch || igmp?.epoch === op.epoch;
      if (op.told === 'current') return given(state, isCurrent);
      return given(state, !isCurrent && op.current === (owner ?? igmp)?.epoch);
    }
    case 'admin-release': {
      if (op.told === 'free') return given(state, !owner && !igmp);
      if (owner) return given({ ...state, owner: undefined }, same(owner, op));
      return given({ ...state, igmp: undefined }, same(igmp, op));
    }
    case 'end':
      return map(state, (hold) => (hold.session === op.session ? undefined : hold));
    case 'inherit':
      return map(state, (hold) =>
        hold.session === op.from ? { session: op.session, epoch: op.epoch } : hold,
      );
    case 'store-reset':
      return {};
  }
}

function take(
  state: InterfaceState,
  op: InterfaceOp & { readonly kind: 'take' },
): InterfaceState | undefined {
  const there = state[op.place];
  if (op.told === 'taken') {
    return given({ ...state, [op.place]: { session: op.session, epoch: op.epoch } }, !there);
  }
  if (op.told === 'already-taken') return given(state, there?.session === op.session);
  return given(state, op.holder.session !== op.session && same(there, op.holder));
}

function release(
  state: InterfaceState,
  op: InterfaceOp & { readonly kind: 'release' },
): InterfaceState | undefined {
  const { owner, igmp } = state;
  const [place] = (['owner', 'igmp'] as const).filter((one) => state[one]?.session === op.session);
  switch (op.told) {
    case 'released': {
      const isIt = op.epoch === undefined || (place && state[place]?.epoch === op.epoch);
      return place && isIt ? { ...state, [place]: undefined } : undefined;
    }
    case 'not-owner':
      return given(state, !place && (owner !== undefined || igmp !== undefined));
    case 'not-found':
      return given(state, !owner && !igmp);
  }
}

function given(state: InterfaceState, condition: boolean): InterfaceState | undefined {
  return condition ? state : undefined;
}

function map(
  { owner, igmp }: InterfaceState,
  change: (hold: Hold) => Hold | undefined,
): InterfaceState {
  return { owner: owner && change(owner), igmp: igmp && change(igmp) };
}

function same(one: Hold | undefined, other: Hold | undefined): boolean {
  return keyOf(one) === keyOf(other);
}

function keyOf(hold: Hold | undefined): string {
  return hold ? `${hold.session}@${hold.epoch}` : '-';
}
