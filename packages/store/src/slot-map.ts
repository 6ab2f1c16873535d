import type { RedisPlace } from './redis-url.ts';
import { SLOTS, slotOf } from './slots.ts';

/** `host:port` */
export type PlaceName = string;

export function nameOf({ host, port }: RedisPlace): PlaceName {
  return `${host}:${port}`;
}

export function placeOf(name: PlaceName): RedisPlace {
  const at = name.lastIndexOf(':');
  return { host: name.slice(0, at), port: Number(name.slice(at + 1)) };
}

/** What one node says of a master: which slots it serves, and as of which epoch of the cluster's configuration. */
export interface Claim {
  readonly place: PlaceName;
  readonly epoch: number;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/** Masters that the cluster has given up, or does not know how to reach yet. */
const USELESS = /\bfail\b|noaddr|handshake/;

/**
 * Reads what a node answered to `CLUSTER NODES`. `asked` is how it was reached, since a node may not know its own address.
 * With `byName` nodes are reached by the names that they announce, as certificates may want it.
 */
export function readClaims(text: string, asked: RedisPlace, byName: boolean): Claim[] {
  return text.split('\n').flatMap((line) => {
    const [id, address = '', flags = '', , , , epoch, , ...slots] = line.trim().split(' ');
    if (id === undefined || !flags.includes('master') || USELESS.test(flags)) return [];
    const [, ip, port, name] = /^(.*):(\d+)(?:@\d+)?(?:,([^,=]*))?/.exec(address) ?? [];
    const host = (byName && name) || ip || asked.host;
    // Slots on their way from or to another node stand in brackets, beside those that are served.
    const ranges = slots.filter((slot) => /^\d/.test(slot)).map(readRange);
    return [{ place: nameOf({ host, port: Number(port) }), epoch: Number(epoch), ranges }];
  });
}

function readRange(text: string): readonly [number, number] {
  const [first = 0, last = first] = text.split('-').map(Number);
  return [first, last];
}

/** Which node serves which slot, as far as known. */
export class SlotMap {
  readonly #owners: readonly (PlaceName | undefined)[];
  /** The nodes that serve at least one. */
  readonly masters: ReadonlySet<PlaceName>;
  /** How many slots nobody serves. */
  readonly unserved: number;

  /** Where claims are at odds, the one of the highest epoch holds, as among the nodes themselves. */
  constructor(claims: readonly Claim[]) {
    const owners = Array.from<PlaceName | undefined>({ length: SLOTS });
    for (const { place, ranges } of [...claims].sort((a, b) => a.epoch - b.epoch)) {
      for (const [first, last] of ranges) owners.fill(place, first, last + 1);
    }
    const served = owners.filter((owner) => owner !== undefined);
    this.#owners = owners;
    this.masters = new Set(served);
    this.unserved = SLOTS - served.length;
  }

  ownerOf(key: string): PlaceName | undefined {
    return this.#owners[slotOf(key)];
  }
}
