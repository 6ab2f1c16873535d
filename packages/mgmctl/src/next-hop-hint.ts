import { isMgmError, type InterfaceKey, type Mgm } from '@mgm/client';

/** More next hops than this are not named. */
const NAMED_MAX = 3;
const PAGE_ITEMS = 1_000;

/** What to do if an interface was not found: it may be held via next hops that the command line did not name. */
export async function nextHopHint(
  mgm: Mgm,
  { ifIndex, nextHop }: InterfaceKey,
  signal: AbortSignal,
): Promise<string> {
  const hops = await heldNextHops(mgm, ifIndex, signal);
  const [first, ...others] = hops.filter((hop) => hop !== nextHop);
  if (first === undefined) return 'mgmctl interfaces lists the interfaces that are held';
  if (first === '') return 'it is held without a next hop: leave it out';
  const named = [first, ...others].slice(0, NAMED_MAX);
  const more = others.length >= NAMED_MAX ? ', …' : '';
  const verb = nextHop === '' ? 'add' : 'correct';
  return `it is held via ${named.join(', ')}${more}: ${verb} the next hop`;
}

/** None if no manager answers: this is only a hint. */
async function heldNextHops(mgm: Mgm, ifIndex: number, signal: AbortSignal): Promise<string[]> {
  const hops: string[] = [];
  try {
    for await (const item of mgm.interfaces({ limit: PAGE_ITEMS, signal })) {
      if (item.ifIndex === ifIndex) hops.push(item.nextHop);
    }
  } catch (error) {
    if (!isMgmError(error)) throw error;
  }
  return hops.toSorted();
}
