import type { HostPort } from './url.ts';

/** Slots of a Redis Cluster. */
const SLOTS = 16_384;

/** The slot of a key: CRC-16/XMODEM of its hash tag (the text in its first braces), or of the whole key without one. */
export function slotOf(key: string): number {
  const tag = /^[^{]*\{([^}]+)\}/.exec(key)?.[1] ?? key;
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return (crc & 0xffff) % SLOTS;
}

/** A node of the cluster, as `host:port`. */
export type NodeName = string;

export function nameOf({ host, port }: HostPort): NodeName {
  return `${host}:${port}`;
}

export function hostPortOf(name: NodeName): HostPort {
  const at = name.lastIndexOf(':');
  return { host: name.slice(0, at), port: Number(name.slice(at + 1)) };
}

/** What one node reports about a master: its slots, and the epoch of that configuration. */
export interface Claim {
  readonly node: NodeName;
  readonly epoch: number;
  readonly ranges: readonly (readonly [first: number, last: number])[];
}

/** Flags of masters that have failed or whose address is not known yet. */
const UNUSABLE = /\bfail\b|noaddr|handshake/;

/**
 * Reads a reply to `CLUSTER NODES`. `asked` is the address that the replying node was reached at, since a node may not know
 * its own. With `byName` nodes are reached by their announced host names, as TLS certificates may require.
 */
export function readClaims(text: string, asked: HostPort, byName: boolean): Claim[] {
  return text.split('\n').flatMap((line) => {
    const [id, address = '', flags = '', , , , epoch, , ...slots] = line.trim().split(' ');
    if (id === undefined || !flags.includes('master') || UNUSABLE.test(flags)) return [];
    const [, ip, port, name] = /^(.*):(\d+)(?:@\d+)?(?:,([^,=]*))?/.exec(address) ?? [];
    const host = (byName && name) || ip || asked.host;
    // Migrating and importing slots follow the served ones, in brackets.
    const ranges = slots.filter((slot) => /^\d/.test(slot)).map(readRange);
    return [{ node: nameOf({ host, port: Number(port) }), epoch: Number(epoch), ranges }];
  });
}

function readRange(text: string): readonly [number, number] {
  const [first = 0, last = first] = text.split('-').map(Number);
  return [first, last];
}

/** Which node serves which slot, as far as known. */
export class SlotMap {
  readonly #owners: readonly (NodeName | undefined)[];
  /** The nodes that serve at least one slot. */
  readonly masters: ReadonlySet<NodeName>;
  /** Number of slots that no node serves. */
  readonly unserved: number;

  /** Of conflicting claims, the one with the highest epoch wins, as among the nodes themselves. */
  constructor(claims: readonly Claim[]) {
    const owners = Array.from<NodeName | undefined>({ length: SLOTS });
    for (const { node, ranges } of [...claims].sort((a, b) => a.epoch - b.epoch)) {
      for (const [first, last] of ranges) owners.fill(node, first, last + 1);
    }
    const served = owners.filter((owner) => owner !== undefined);
    this.#owners = owners;
    this.masters = new Set(served);
    this.unserved = SLOTS - served.length;
  }

  ownerOf(key: string): NodeName | undefined {
    return this.#owners[slotOf(key)];
  }
}
