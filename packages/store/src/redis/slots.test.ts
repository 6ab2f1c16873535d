import { expect, it } from 'vitest';
import { readClaims, SlotMap } from './slots.ts';

const ASKED = { host: '10.0.0.1', port: 7001 };
const NODES = `aaa :7001@17001 myself,master - 0 0 1 connected 0-5460 [5461->-bbb]
bbb 10.0.0.2:7002@17002,two.example master - 0 1 2 connected 5461-10922 16383
ccc 10.0.0.3:7003@17003 slave aaa 0 1 1 connected
ddd 10.0.0.4:7004@17004 master,fail - 0 1 3 disconnected 10923-16382
eee 10.0.0.5:7005@17005 master,fail? - 0 1 4 disconnected 42
`;

it('reads masters and their slots from the CLUSTER NODES reply of one node', () => {
  expect(readClaims(NODES, ASKED, false)).toEqual([
    { node: '10.0.0.1:7001', epoch: 1, ranges: [[0, 5460]] },
    {
      node: '10.0.0.2:7002',
      epoch: 2,
      ranges: [
        [5461, 10_922],
        [16_383, 16_383],
      ],
    },
  ]);
});

it('uses the announced host name of a node when asked to, as TLS certificates may require', () => {
  expect(readClaims(NODES, ASKED, true)[1]?.node).toBe('two.example:7002');
});

it('lets the claim with the higher epoch win, and counts unserved slots', () => {
  const claim = (node: string, epoch: number, first: number, last: number) => ({
    node,
    epoch,
    ranges: [[first, last]] as const,
  });
  const map = new SlotMap([claim('new', 7, 0, 99), claim('old', 3, 0, 16_382)]);
  expect(map.masters).toEqual(new Set(['new', 'old']));
  expect(map.unserved).toBe(1);
});
