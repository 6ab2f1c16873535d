import { describe, expect, it } from 'vitest';
import type { OperationName } from './operations/table.ts';
import { readRequest } from './requests.ts';
import { encodeMessage } from './wire/codec.ts';

/**
 * A manager reads requests on its event loop, so that none may take long. A request of any content may cost at most three
 * times as much as the cheapest bulk `take` of as many bytes.
 */
const RATIO_MAX = 3;
const ROUNDS = 300;

const sequence = { handle: '1.1795360064929550.abcdefghijklmnopqrstuv', seq: 17, ack: 16 };

function take(count: number, element: (at: number) => unknown): Uint8Array {
  const interfaces = Array.from({ length: count }, (_, at) => element(at));
  return encodeMessage({ ...sequence, interfaces });
}

const key = (at: number) => at.toString(36).padStart(3, 'k');
const keys = (count: number, from = 0) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [key(from + at), 1]));
const group = (at: number) => (0x1000 + ((at * 7919) % 0xefff)).toString(16);
const longIpv6 = (at: number) => Array.from({ length: 8 }, (_, part) => group(at + part)).join(':');

/** A bulk `take` of IPv4 next hops: as many as fit, of the size of another request. */
function cheapest(bytes: number): Uint8Array {
  const one = (at: number) => [at + 1, `10.0.${at >> 8}.${at & 255}`];
  const perElement = take(1000, one).length / 1000;
  const count = Math.max(1, Math.min(1024, Math.floor((bytes - 80) / perElement)));
  return take(count, one);
}

const HOSTILE: readonly [string, OperationName, Uint8Array][] = [
  ['IPv6 next hops', 'take', take(1024, (at) => [at + 1, longIpv6(at)])],
  ['short IPv6 next hops', 'take', take(1024, (at) => [at + 1, `2001:DB8::${group(at)}`])],
  ['IPv6 with dotted ends', 'take', take(1024, (at) => [at + 1, `1:2:3:4:5:6:10.0.0.${at & 255}`])],
  ['no next hops', 'take', take(1024, (at) => [at + 1])],
  ['next hops that are no addresses', 'take', take(1024, () => [7, 'f'.repeat(45)])],
  [
    'a last element that is wrong',
    'take',
    take(1024, (at) => [at + 1, at < 1023 ? longIpv6(at) : 'x']),
  ],
  ['elements that are no pairs', 'take', take(1024, () => 7)],
  ['more elements than allowed', 'take', take(16_000, () => 7)],
  ['more lists than allowed', 'take', take(16_000, () => [])],
  ['maps as elements', 'take', take(1024, (at) => keys(8, at * 8))],
  ['unknown fields', 'keepalive', encodeMessage({ ...sequence, ...keys(10_000) })],
  [
    'an unknown field of maps',
    'owner',
    encodeMessage({ ifIndex: 7, x: Array.from({ length: 9_000 }, (_, at) => keys(1, at)) }),
  ],
  [
    'an unknown field of empty lists',
    'owner',
    encodeMessage({ ifIndex: 7, x: Array(60_000).fill([]) }),
  ],
  ['an unknown field of texts', 'owner', encodeMessage({ ifIndex: 7, x: Array(60_000).fill('') })],
  [
    'epochs that are none',
    'take',
    encodeMessage({ ...sequence, ifIndex: 1, held: Array(1024).fill('x'.repeat(50)) }),
  ],
  [
    'a long text',
    'register',
    encodeMessage({ protocolId: 1, componentId: 1, instance: 'é'.repeat(30_000) }),
  ],
];

/**
 * The least time that a request takes, in ms per byte. A single request takes less than a time slice of the operating
 * system, so that on a busy machine, too, many of the rounds run without interruption.
 */
function cost(rounds: readonly (() => number)[]): number[] {
  const least = rounds.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, run] of rounds.entries()) least[at] = Math.min(least[at] ?? 0, run());
  }
  return least;
}

function runOf(operation: OperationName, bytes: Uint8Array): () => number {
  return () => {
    const began = performance.now();
    readRequest(operation, bytes);
    return (performance.now() - began) / bytes.length;
  };
}

describe('reading a request costs at most three times the cheapest bulk take of its size', () => {
  it.each(HOSTILE)('%s', (_, operation, bytes) => {
    const base = cheapest(bytes.length);
    const [hostile = 0, valid = 0] = cost([runOf(operation, bytes), runOf('take', base)]);
    expect(hostile / valid).toBeLessThan(RATIO_MAX);
  });
});
