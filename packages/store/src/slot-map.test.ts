import { expect, it } from 'vitest';
import { readClaims, SlotMap } from './slot-map.ts';

const ASKED = { host: '10.0.0.1', port: 7001 };
const NODES = `aaa :7001@17001 myself,master - 0 0 1 connected 0-5460 [5461->-bbb]
bbb 10.0.0.2:7002@17002,two.example master - 0 1 2 connected 5461-10922 16383
ccc 10.0.0.3:7003@17003 slave aaa 0 1 1 connected
ddd 10.0.0.4:7004@17004 master,fail - 0 1 3 disconnected 10923-16382
eee 10.0.0.5:7005@17005 master,fail? - 0 1 4 disconnected 42
`;

it('reads who serves what out of the words of one node', () => {
  expect(readClaims(NODES, ASKED, false)).toEqual([
    { place: '10.0.0.1:7001', epoch: 1, ranges: [[0, 5460]] },
    {
      place: '10.0.0.2:7002',
      epoch: 2,
      ranges: [
        [5461, 10_922],
        [16_383, 16_383],
      ],
    },
  ]);
});

it('calls a node by the name that it announces, where certificates want it', () => {
  expect(readClaims(NODES, ASKED, true)[1]?.place).toBe('two.example:7002');
});

it('believes the later claim, and tells what nobody serves', () => {
  const claim = (place: string, epoch: number, first: number, last: number) => ({
    place,
    epoch,
    ranges: [[first, last]] as const,
  });
  const map = new SlotMap([claim('new', 7, 0, 99), claim('old', 3, 0, 16_382)]);
  expect(map.masters).toEqual(new Set(['new', 'old']));
  expect(map.unserved).toBe(1);
});
