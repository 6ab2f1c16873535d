import { randomInt } from 'node:crypto';
import { expect, it } from 'vitest';
import { isMgmError, type Mgm } from '../src/mod.ts';
import { clientStage, pim } from './stage.ts';

const stage = clientStage();

/** A pseudo-random sequence of integers below a limit; the same for the same seed. */
function sequenceOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

interface Family {
  readonly bits: number;
  readonly textOf: (value: bigint) => string;
}

const FAMILIES: readonly Family[] = [
  { bits: 32, textOf: (value) => [24n, 16n, 8n, 0n].map((at) => (value >> at) & 255n).join('.') },
  {
    bits: 128,
    textOf: (value) =>
      Array.from({ length: 8 }, (_, at) =>
        ((value >> BigInt(112 - 16 * at)) & 0xffffn).toString(16),
      ).join(':'),
  },
];

const ROUTES = 200;
const LOOKUPS = 150;

/** The interface of the route that the manager finds; `undefined` if there is none. */
async function found(mgm: Mgm, source: string): Promise<number | undefined> {
  try {
    return (await mgm.resolveRoute(source)).ifIndex;
  } catch (error) {
    if (isMgmError(error, 'not-found')) return undefined;
    throw error;
  }
}

const seed = randomInt(2 ** 31);

it.each(FAMILIES)(
  `finds the longest of random prefixes of $bits bits, with seed ${seed}`,
  async ({ bits, textOf }) => {
    await using mgm = await stage.client();
    await using session = await mgm.registerProtocol(pim());
    const next = sequenceOf(seed);
    // Addresses differ in few bits, so that many prefixes contain each other.
    const base = bits === 32 ? 0x0a000000n : 0x20010db8n << 96n;
    const address = (): bigint => {
      let value = base;
      for (let flips = next(6); flips > 0; flips--) value ^= 1n << BigInt(next(bits - 8));
      return value;
    };
    const table = new Map<string, { network: bigint; length: number; ifIndex: number }>();
    for (let ifIndex = 1; ifIndex <= ROUTES; ifIndex++) {
      const length = next(bits + 1);
      const host = BigInt(bits - length);
      const network = (address() >> host) << host;
      table.set(`${network}/${length}`, { network, length, ifIndex });
    }
    const refs = [...table.values()].map((one) => ({ ...one, network: textOf(one.network) }));
    const results = await session.setRoutes(refs);
    expect(results.filter(({ kind }) => kind === 'failed')).toEqual([]);
    for (let at = 0; at < LOOKUPS; at++) {
      const source = address();
      const matching = [...table.values()].filter(({ network, length }) => {
        const host = BigInt(bits - length);
        return source >> host === network >> host;
      });
      const best = matching.toSorted((a, b) => b.length - a.length)[0];
      expect(await found(mgm, textOf(source)), textOf(source)).toBe(best?.ifIndex);
    }
  },
);

it.each(FAMILIES)(
  `of equal prefixes of $bits bits finds the lowest preference, then the first client, with seed ${seed}`,
  async ({ bits, textOf }) => {
    await using mgm = await stage.client();
    await using first = await mgm.registerProtocol(pim());
    await using second = await mgm.registerProtocol(pim());
    await using third = await mgm.registerProtocol(pim());
    const next = sequenceOf(seed);
    const host = BigInt(bits - 16);
    const routes = [first, second, third].map((session, place) => ({
      session,
      // All clients have routes for the same few prefixes, with preferences that are often equal.
      routes: Array.from({ length: 16 }, (_, network) => ({
        network: BigInt(0x2001 + network) << host,
        length: 16,
        ifIndex: 100 * (place + 1) + network,
        preference: next(3),
      })),
    }));
    // The order of registration counts, not that of the routes.
    for (const one of routes.toReversed()) {
      await one.session.setRoutes(
        one.routes.map((route) => ({ ...route, network: textOf(route.network) })),
      );
    }
    for (const left of [routes, routes.slice(1), routes.slice(2)]) {
      for (let network = 0; network < 16; network++) {
        const best = left
          .flatMap((one) => one.routes[network] ?? [])
          .toSorted((a, b) => a.preference - b.preference)[0];
        const source = textOf((BigInt(0x2001 + network) << host) + 1n);
        expect(await found(mgm, source), source).toBe(best?.ifIndex);
      }
      await left[0]?.session.deregister({ force: true });
    }
    expect(await found(mgm, textOf((0x2001n << host) + 1n))).toBeUndefined();
  },
);
