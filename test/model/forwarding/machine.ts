/** Interfaces by the model's own numbers. */
export type InterfaceNumber = number;

/** (\*,g) and (s,g), both of which cover the MFE. */
const ENTRIES = ['(*,g)', '(s,g)'] as const;

/** An interface of the router. */
export interface InterfaceState {
  /** Held by the owner of the MFE; otherwise its OIFs are foreign. */
  readonly isOwn: boolean;
  readonly isHeld: boolean;
  /** Memberships of its holder, in the order of {@link ENTRIES}. `withdrawn`: ended with its hold, not yet purged. */
  readonly members: readonly Membership[];
  /** FORWARD add: an OIF without membership. FORWARD delete or veto: no OIF in spite of one. */
  readonly override: 'none' | 'on' | 'off';
}

type Membership = 'none' | 'present' | 'withdrawn';

/** The only forwarding entry. Its incoming interface is none of the interfaces of the model. */
export interface Mfe {
  /** The last FALSE alert of this incarnation was JOIN. */
  readonly foreignAlerted: boolean;
  /** The OIFs of the last push. */
  readonly pushed: readonly InterfaceNumber[];
  /** A push or alert is still to be written. */
  readonly isDue: boolean;
}

/** What the owner heard last, of any incarnation. */
export type Heard = 'nothing' | 'JOIN' | 'PRUNE';

export interface State {
  readonly interfaces: readonly InterfaceState[];
  readonly mfe: Mfe | undefined;
  /** The last FALSE alert to the owner, and whether it was one of the present incarnation. */
  readonly heard: Heard;
  readonly hasHeard: boolean;
  /** An incarnation expired: what the owner heard of it may be out of date (forwarding contract, 5.6, known limitation). */
  readonly hasExpired: boolean;
}

export type Action =
  | { readonly do: 'take' | 'release' | 'on' | 'off'; readonly on: InterfaceNumber }
  | { readonly do: 'add' | 'delete'; readonly on: InterfaceNumber; readonly entry: number }
  | { readonly do: 'purge'; readonly entry: number }
  | { readonly do: 'create' | 'expire' | 'slice' };

/**
 * Wrong rules that a search must find. `whole-list`: FALSE alerts go by whether the list of OIFs is empty, and changes of the
 * owner raise nothing. `override-unnoticed`: the end of a hold removes its override without making the MFE due.
 */
export type Wrong = 'whole-list' | 'override-unnoticed';

/** A router with interfaces that are held, some of them by the owner of the MFE. */
export function initial(own: number, foreign: number): State {
  const one = (isOwn: boolean): InterfaceState => ({
    isOwn,
    isHeld: true,
    members: ENTRIES.map(() => 'none'),
    override: 'none',
  });
  const interfaces = Array.from({ length: own + foreign }, (_, at) => one(at < own));
  return { interfaces, mfe: undefined, heard: 'nothing', hasHeard: false, hasExpired: false };
}

/** The outgoing interfaces, derived from memberships and overrides (5.2). */
export function oifsOf({ interfaces, mfe }: State): InterfaceNumber[] {
  if (mfe === undefined) return [];
  return [...interfaces.keys()].filter((on) => {
    const { members, override } = interfaces[on] ?? NOWHERE;
    return override === 'on' || (override !== 'off' && members.includes('present'));
  });
}

const NOWHERE: InterfaceState = { isOwn: true, isHeld: false, members: [], override: 'none' };

/** The outgoing interfaces that the owner of the MFE does not hold. */
export function foreignOf(state: State): InterfaceNumber[] {
  return oifsOf(state).filter((on) => !state.interfaces[on]?.isOwn);
}

/** Whether alerts or pushes are still to be written. */
export function isPending({ interfaces, mfe }: State): boolean {
  return mfe?.isDue === true || interfaces.some(({ members }) => members.includes('withdrawn'));
}

export function* actionsIn(state: State): Generator<Action> {
  for (const [on, { isHeld, members, override }] of state.interfaces.entries()) {
    yield { do: isHeld ? 'release' : 'take', on };
    if (!isHeld) continue;
    for (const [entry, membership] of members.entries()) {
      // A repeated add undoes a veto.
      if (membership !== 'present' || override === 'off') yield { do: 'add', on, entry };
      if (membership === 'present') yield { do: 'delete', on, entry };
    }
    if (state.mfe === undefined) continue;
    if (override !== 'on') yield { do: 'on', on };
    if (override !== 'off') yield { do: 'off', on };
  }
  for (const entry of ENTRIES.keys()) {
    if (state.interfaces.some(({ members }) => members[entry] === 'withdrawn')) {
      yield { do: 'purge', entry };
    }
  }
  yield { do: state.mfe === undefined ? 'create' : 'expire' };
  if (state.mfe?.isDue) yield { do: 'slice' };
}

/** The state after an action: one atomic step. */
export function after(state: State, action: Action, wrong?: Wrong): State {
  switch (action.do) {
    case 'take':
      return changed(state, action.on, { isHeld: true });
    case 'release':
      return released(state, action.on, wrong);
    case 'add':
    case 'delete': {
      const { on, entry } = action;
      const clean = purged(state, entry, wrong);
      const { members, override } = clean.interfaces[on] ?? NOWHERE;
      const isAdd = action.do === 'add';
      const next = changed(clean, on, {
        members: members.with(entry, isAdd ? 'present' : 'none'),
        override: isAdd && override === 'off' ? 'none' : override,
      });
      return refreshed(next, clean, wrong, on);
    }
    case 'on':
    case 'off':
      return refreshed(changed(state, action.on, { override: action.do }), state, wrong, action.on);
    case 'purge':
      return purged(state, action.entry, wrong);
    case 'create':
      return created(state, wrong);
    case 'expire':
      return { ...changedAll(state, { override: 'none' }), mfe: undefined, hasExpired: true };
    case 'slice':
      return refreshed(state, state, wrong);
  }
}

function changed(state: State, on: InterfaceNumber, change: Partial<InterfaceState>): State {
  const one = state.interfaces[on] ?? NOWHERE;
  return { ...state, interfaces: state.interfaces.with(on, { ...one, ...change }) };
}

function changedAll(state: State, change: Partial<InterfaceState>): State {
  return { ...state, interfaces: state.interfaces.map((one) => ({ ...one, ...change })) };
}

/** The hold ends: its memberships are withdrawn at once, and it leaves the overrides. */
function released(state: State, on: InterfaceNumber, wrong?: Wrong): State {
  const { members, override } = state.interfaces[on] ?? NOWHERE;
  const next = changed(state, on, {
    isHeld: false,
    members: members.map((one) => (one === 'present' ? 'withdrawn' : one)),
    override: 'none',
  });
  const isDue = override !== 'none' && wrong !== 'override-unnoticed';
  return next.mfe && isDue ? { ...next, mfe: { ...next.mfe, isDue } } : next;
}

function purged(state: State, entry: number, wrong?: Wrong): State {
  if (!state.interfaces.some(({ members }) => members[entry] === 'withdrawn')) return state;
  const interfaces = state.interfaces.map((one) =>
    one.members[entry] === 'withdrawn' ? { ...one, members: one.members.with(entry, 'none') } : one,
  );
  return refreshed({ ...state, interfaces }, state, wrong);
}

/** The creation of the MFE, after all answers (5.3, 5.6). */
function created(state: State, wrong?: Wrong): State {
  const mfe: Mfe = { foreignAlerted: false, pushed: [], isDue: false };
  const next: State = { ...state, mfe, hasHeard: false };
  const oifs = oifsOf(next);
  const wanted = wrong === 'whole-list' ? oifs : foreignOf(next);
  const created = { ...next, mfe: { ...mfe, pushed: oifs, foreignAlerted: wanted.length > 0 } };
  if (wanted.length > 0) return { ...created, heard: 'JOIN', hasHeard: true };
  return oifs.length === 0 ? { ...created, heard: 'PRUNE', hasHeard: true } : created;
}

/** Pushes the MFE, and alerts its owner, if they changed. `by`: the interface whose holder made the change. */
function refreshed(state: State, before: State, wrong?: Wrong, by?: InterfaceNumber): State {
  const { mfe } = state;
  if (mfe === undefined) return state;
  const next: State = { ...state, mfe: { ...mfe, pushed: oifsOf(state), isDue: false } };
  if (wrong === 'whole-list') return alertedByWholeList(next, before, by);
  const wanted = foreignOf(next).length > 0;
  if (wanted === mfe.foreignAlerted) return next;
  return alerted(next, wanted);
}

function alertedByWholeList(next: State, before: State, by?: InterfaceNumber): State {
  const [had, has] = [oifsOf(before).length > 0, oifsOf(next).length > 0];
  if (had === has || (by !== undefined && next.interfaces[by]?.isOwn)) return next;
  return alerted(next, has);
}

function alerted(state: State, wanted: boolean): State {
  const { mfe } = state;
  if (mfe === undefined) return state;
  const heard = wanted ? 'JOIN' : 'PRUNE';
  return { ...state, mfe: { ...mfe, foreignAlerted: wanted }, heard, hasHeard: true };
}
