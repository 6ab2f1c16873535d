import { sessionId } from '@mgm/protocol';
import type { EventMessage, InterfaceItem } from '@mgm/protocol';
import { describe, expect, it } from 'vitest';
import { RouterHolds } from './listing.ts';

const IGMP = { protocolId: 10, componentId: 1, session: 7, epoch: '70' };
const PIM = { protocolId: 103, componentId: 1, session: 5, epoch: '50' };

function item(ifIndex: number, holder: object): InterfaceItem {
  const fields = { ifIndex, nextHop: '', name: 'one', since: 1, stale: false, ...holder };
  return fields as unknown as InterfaceItem;
}

function event(type: string, fields: object): EventMessage {
  return { rev: 1, ts: 100, type, ...fields } as unknown as EventMessage;
}

function holdsAfter(items: InterfaceItem[], events: EventMessage[]): RouterHolds {
  const holds = new RouterHolds();
  for (const one of items) holds.list(one);
  for (const one of events) holds.apply(one);
  return holds;
}

const on1 = { ifIndex: 1, nextHop: '' };
const taken = event('taken', { ...PIM, ...on1 });
const released = event('released', { ...PIM, ...on1 });

describe('the holders of interfaces', () => {
  it('are those of the listing if nothing changed', () => {
    const items = [item(1, { ...PIM, igmp: IGMP }), item(2, IGMP)];
    expect(holdsAfter(items, []).items()).toEqual(items);
  });

  it('are the same whether the listing contained an event already or not', () => {
    const expected = [item(1, { ...PIM, since: 100 })];
    const unaware = holdsAfter([], [taken]);
    expect(unaware.lacksNames).toBe(true);
    unaware.learnName(sessionId(PIM.session), 'one');
    expect(unaware.items()).toEqual(expected);
    expect(holdsAfter(expected, [taken, released, taken]).items()).toEqual(expected);
    expect(holdsAfter(expected, [taken, released]).items()).toEqual([]);
  });

  it('stay when settings of their interface change', () => {
    const held = [item(1, { ...PIM, igmp: IGMP }), item(2, IGMP)];
    const set = (key: object) => event('interface-set', { ...PIM, ...key, cause: 'policy' });
    expect(holdsAfter(held, [set(on1), set({ ...on1, ifIndex: 2 })]).items()).toEqual(held);
  });

  it('include IGMP after the owner released, since that instant at the latest', () => {
    const both = item(1, { ...PIM, igmp: IGMP });
    const alone = [item(1, { ...IGMP, name: '', since: 100 })];
    expect(holdsAfter([both], [released]).items()).toEqual(alone);
    expect(holdsAfter([both], [event('evicted', PIM)]).items()).toEqual(alone);
  });

  it('follow their session: stale, resumed under another number, expired', () => {
    const before = [item(1, PIM), item(2, { ...PIM, session: 6 })];
    const stale = holdsAfter(before, [event('stale', PIM)]);
    expect(stale.items().map((one) => one.stale)).toEqual([true, false]);
    stale.apply(event('resumed', { ...PIM, previous: 5, session: 9, epoch: '90' }));
    const heir = { session: 9, epoch: '90', stale: false, since: 1 };
    expect(stale.items()).toMatchObject([heir, { session: 6, epoch: '50' }]);
    stale.apply(event('expired', { ...PIM, session: 9 }));
    expect(stale.items()).toMatchObject([{ ifIndex: 2, session: 6 }]);
  });
});
