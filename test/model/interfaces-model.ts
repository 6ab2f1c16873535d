import { isIgmp, type RouterModel, type Session } from './router-model.ts';
import { refused } from './sequence-model.ts';
import type { Reply, EpochNumber, InterfaceName } from './vocabulary.ts';

/** Semantics T1 to T9: a routing protocol excludes another one, IGMP excludes another IGMP. */
export function take(router: RouterModel, session: Session, on: InterfaceName): Reply {
  const rival = router.placesOf(session).get(on)?.session;
  if (rival === session) return refused(183, 'already-taken');
  if (rival) return refused(183, 'already-owned', { holder: described(router, rival, on) });
  return { status: 0, epoch: router.gain(session, on) };
}

/** Semantics T10 to T15; section 3: with `epoch`, refused unless it is the present one. */
export function release(
  router: RouterModel,
  session: Session,
  on: InterfaceName,
  epoch: EpochNumber | undefined,
): Reply {
  if (!router.owners.has(on) && !router.igmp.has(on)) return refused(87, 'not-found');
  const hold = router.placesOf(session).get(on);
  if (hold?.session !== session) return refused(87, 'not-owner');
  if (epoch !== undefined && epoch !== hold.epoch) return refused(87, 'not-owner');
  router.lose(session, on, 'release');
  return { status: 0 };
}

/** Semantics 4.2: the routing protocol, or IGMP where it is alone. */
export function holder(router: RouterModel, on: InterfaceName): Reply | undefined {
  const hold = router.owners.get(on) ?? router.igmp.get(on);
  return hold && { status: 0, ...described(router, hold.session, on) };
}

/** The fields of an `owner` reply, section 3, of a session that is on this interface. */
export function described(router: RouterModel, session: Session, on: InterfaceName): object {
  const igmp = isIgmp(session.pair) ? undefined : router.igmp.get(on);
  return {
    ...named(session),
    name: session.pair.name,
    epoch: router.placesOf(session).get(on)?.epoch,
    stale: session.state === 'stale',
    igmp: igmp && { ...named(igmp.session), epoch: igmp.epoch },
  };
}

function named({ number, pair: { protocolId, componentId } }: Session): object {
  return { protocolId, componentId, session: number };
}

/** `validate`, section 3. IGMP's hold has an epoch of its own (section 6), against which acts for IGMP are checked. */
export function validate(router: RouterModel, on: InterfaceName, epoch: EpochNumber): Reply {
  const owner = router.owners.get(on)?.epoch;
  const igmp = router.igmp.get(on)?.epoch;
  if (epoch === owner || epoch === igmp) return { status: 0, current: epoch };
  return refused(87, 'not-owner', { current: owner ?? igmp ?? 0 });
}

/** The held interfaces, each once. Filtered: those on which this session or protocol is, as owner or as IGMP. */
export function interfaces(
  router: RouterModel,
  { session, protocolId }: { readonly session?: number; readonly protocolId?: number },
): object[] {
  const isWanted = (one: Session | undefined): boolean =>
    one !== undefined &&
    (session === undefined || one.number === session) &&
    (protocolId === undefined || one.pair.protocolId === protocolId);
  const isListed = (on: InterfaceName): boolean =>
    isWanted(router.owners.get(on)?.session) || isWanted(router.igmp.get(on)?.session);
  const held = new Set([...router.owners.keys(), ...router.igmp.keys()]);
  return [...held]
    .filter(isListed)
    .sort()
    .map((on) => ({ on, ...holder(router, on), status: undefined }));
}
