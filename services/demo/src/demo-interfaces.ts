import type { InterfaceRef } from '@mgm/client';

/** What PIM and DVMRP contend for: four broadcast links, and a point-to-multipoint one with two next hops. */
export const CONTENDED: readonly InterfaceRef[] = [
  { ifIndex: 1 },
  { ifIndex: 2 },
  { ifIndex: 3 },
  { ifIndex: 4 },
  { ifIndex: 5, nextHop: '10.0.5.1' },
  { ifIndex: 5, nextHop: '10.0.5.2' },
];

/** Where hosts are, and so IGMP: beside the owner, or alone on the last one. */
export const WITH_HOSTS: readonly InterfaceRef[] = [{ ifIndex: 1 }, { ifIndex: 2 }, { ifIndex: 6 }];
