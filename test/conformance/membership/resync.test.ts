import { describe, expect, it } from 'vitest';
import {
  ALERTS,
  alertsAfter,
  elements,
  groupText,
  listAll,
  mailAfter,
} from '../../support/raw-memberships.ts';
import { ok } from '../../support/raw-replies.ts';
import { newInstance, Protocols, type RawSession } from '../../support/raw-client.ts';
import { overReplicas, type Stage } from '../../support/stage.ts';

/** Alert items that a mailbox keeps. */
const ITEMS_MAX = 65_536;

overReplicas((stage) => {
  describe('section 5.6: RESYNC', () => {
    it('is written instead of the next alert when more than 65 536 items are unacknowledged', async () => {
      const { router, pim, igmp } = await overflowing(stage);
      const { mailbox } = ok(await igmp.keepalive());
      expect(await pim.add(7, groupText(ITEMS_MAX))).toMatchObject({ changed: true });
      expect(await alertsAfter(igmp, mailbox)).toMatchObject([{ type: 'JOIN_ALERT' }]);
      const { mrev } = ok(await pim.bulk('member.add', elements(7, 10, ITEMS_MAX + 1)));
      const ts = expect.any(Number);
      const seq = mailbox + 2;
      expect(await alertsAfter(igmp, mailbox + 1)).toEqual([{ seq, ts, type: 'RESYNC', mrev }]);
      const items = (await alertsAfter(igmp)).flatMap((alert) => alert.items ?? []);
      expect(items).toHaveLength(ITEMS_MAX + 1);

      // No further alerts, but other callbacks.
      ok(await pim.delete(7, groupText(0)));
      const other = await router.register({ protocolId: Protocols.dvmrp, alerts: ALERTS });
      ok(await other.take(8));
      ok(await other.add(8, groupText(ITEMS_MAX + 100)));
      expect((await mailAfter(igmp, seq)).map(({ type }) => type)).toEqual([
        'DISABLE_IGMP',
        'ENABLE_IGMP',
      ]);

      // An acknowledgement before it changes nothing.
      ok(await igmp.keepalive({ mailboxAck: seq - 1 }));
      ok(await pim.delete(7, groupText(1)));
      expect(await alertsAfter(igmp, seq)).toEqual([]);

      ok(await igmp.keepalive({ mailboxAck: seq }));
      const listed = await listAll(router, 'groups', { handle: igmp.handle });
      expect(listed).toHaveLength(ITEMS_MAX + 10);
      expect(listed.every(([, , , others]) => others === true)).toBe(true);
      ok(await pim.delete(7, groupText(2)));
      expect(await alertsAfter(igmp, seq)).toMatchObject([
        { seq: seq + 3, type: 'PRUNE_ALERT', items: [[groupText(2), '', 7, '', false]] },
      ]);

      // A new session of the client starts with an empty mailbox.
      const next = await router.register({
        ...igmp.asked,
        instance: newInstance(),
        takeover: true,
      });
      expect(await next.mailbox()).toEqual([]);
      ok(await pim.delete(7, groupText(3)));
      expect(await alertsAfter(next)).toMatchObject([{ seq: 1, type: 'PRUNE_ALERT' }]);
    });

    it('is not written while enough is acknowledged, in however many parts', async () => {
      const { pim, igmp } = await overflowing(stage);
      ok(await igmp.keepalive({ mailboxAck: 100 }));
      ok(await igmp.keepalive({ mailboxAck: 101 }));
      const { mailbox } = ok(await igmp.keepalive());
      const room = 101 * 256;
      for (let first = 0; first < room; first += 256) {
        ok(await pim.bulk('member.delete', elements(7, 256, first)));
      }
      const alerts = await alertsAfter(igmp, mailbox);
      expect(alerts.flatMap(({ items = [] }) => items)).toHaveLength(room);
      expect(new Set(alerts.map(({ type }) => type))).toEqual(new Set(['PRUNE_ALERT']));
      // It begins in the middle of a bulk request.
      ok(await pim.bulk('member.delete', elements(7, 256, room)));
      expect(await alertsAfter(igmp, alerts.at(-1)?.seq)).toMatchObject([
        { type: 'PRUNE_ALERT', items: [[groupText(room), '', 7, '', false]] },
        { type: 'RESYNC' },
      ]);
    });
  });

  describe('section 5.7: rules for clients', () => {
    it('an alert whose seq is at most the mailbox of a page is older than that page', async () => {
      const router = stage.router();
      const pim = await router.register({ alerts: ALERTS });
      const dvmrp = await router.register({ protocolId: Protocols.dvmrp, alerts: ALERTS });
      ok(await pim.take(7));
      ok(await pim.add(7, groupText(1)));
      const { handle } = dvmrp;
      const page = ok(await router.request('groups', { handle }));
      expect(page).toMatchObject({ mailbox: 1, mrev: 1 });
      ok(await pim.delete(7, groupText(1)));
      const alerts = await dvmrp.mailbox();
      expect(alerts.map(({ seq, type }) => [seq, type])).toEqual([
        [1, 'JOIN_ALERT'],
        [2, 'PRUNE_ALERT'],
      ]);
      expect(await router.request('groups', { handle })).toMatchObject({ items: [], mailbox: 2 });
    });

    it('a session that inherits starts at 0 and lists what its client is on', async () => {
      const router = stage.router();
      const pim = await router.register({ alerts: ALERTS });
      const igmp = await router.register({ protocolId: Protocols.igmp, alerts: ALERTS });
      ok(await pim.take(7));
      ok(await igmp.take(7));
      ok(await igmp.add(7, groupText(1)));
      expect(await pim.mailbox()).toHaveLength(1);
      const next = await router.register({ ...pim.asked, instance: newInstance(), takeover: true });
      expect(next.registered).toMatchObject({ mailbox: 0, resumed: true });
      const mine = await listAll(router, 'members', { session: next.session });
      expect(mine).toEqual([[groupText(1), '', 7, '', igmp.session, next.session]]);
      ok(await igmp.add(7, groupText(2)));
      expect(await next.mailbox()).toMatchObject([{ seq: 1, type: 'LOCAL_JOIN' }]);
    });
  });
});

/** pim, which owns interface 7, and IGMP alone on 8, with 65 536 unacknowledged items. */
async function overflowing(stage: Stage) {
  const router = stage.router();
  const pim = await router.register({ protocolId: Protocols.pim });
  const igmp: RawSession = await router.register({ protocolId: Protocols.igmp, alerts: ALERTS });
  ok(await pim.take(7));
  ok(await igmp.take(8));
  for (let first = 0; first < ITEMS_MAX; first += 256) {
    ok(await pim.bulk('member.add', elements(7, 256, first)));
  }
  return { router, pim, igmp };
}
