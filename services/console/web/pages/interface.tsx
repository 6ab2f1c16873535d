import type { EventMessage } from '@mgm/protocol';
import { clientText, instantText, interfaceText } from '@mgm/protocol';
import type { FoundMembers, History, InterfaceRef } from '../../src/api.ts';
import { holdText } from '../model/format.ts';
import { useLive } from '../model/live.ts';
import { addressOf } from '../model/place.ts';
import { usePolled } from '../model/requests.ts';
import { EventTable } from '../parts/event-table.tsx';
import type { PageProps } from '../parts/frame.tsx';
import { InterfaceSettingsView } from '../parts/interface-settings.tsx';
import { MemberTable } from '../parts/member-table.tsx';
import { ProblemNote } from '../parts/problem.tsx';
import { ReleaseButton } from '../parts/release-button.tsx';

/** One interface: owner, epoch, IGMP, history, memberships, limits. */
export function InterfacePage({ router, live, args, say }: PageProps) {
  useLive(live);
  const [index = '', nextHop = ''] = args;
  const key = { ifIndex: Number(index), nextHop };
  const settingsRev = settingsRevOf(live.events, key);
  const query = new URLSearchParams({ ifIndex: index, nextHop }).toString();
  const item = live.interfaces.get(key.ifIndex, nextHop);
  const past = usePolled<History>(`${router}/history?${query}`, Infinity);
  const members = usePolled<FoundMembers>(`${router}/members?${query}`, Infinity);
  const known = past.value?.events ?? [];
  const events = [...known, ...laterEvents(live.events, known.at(-1)?.rev ?? 0, key)].toReversed();
  return (
    <>
      <h1>Interface {interfaceText(key)}</h1>
      {item ? (
        <>
          <dl class="details">
            <dt>Owner</dt>
            <dd>{clientText(item)}</dd>
            <dt>State</dt>
            <dd>{holdText(item)}</dd>
            <dt>Session</dt>
            <dd>
              <a href={addressOf(router, 'session', item.session)}>{item.session}</a>
            </dd>
            <dt>Epoch</dt>
            <dd>{item.epoch}</dd>
            <dt>Since (UTC)</dt>
            <dd>{instantText(item.since)}</dd>
            <dt>IGMP</dt>
            <dd>
              {item.igmp ? (
                <>
                  {clientText(item.igmp)}, session{' '}
                  <a href={addressOf(router, 'session', item.igmp.session)}>{item.igmp.session}</a>,
                  epoch {item.igmp.epoch}
                </>
              ) : (
                'none in addition to the owner'
              )}
            </dd>
          </dl>
          <ReleaseButton router={router} item={item} say={say} />
        </>
      ) : (
        <p>{live.state === 'loading' ? 'Loading …' : 'It is free.'}</p>
      )}
      <h2>History</h2>
      <ProblemNote problem={past.problem} />
      {past.value?.hasMore === true && (
        <p>Earlier changes are in the log; mgmctl history shows them.</p>
      )}
      <EventTable
        label="History"
        router={router}
        live={live}
        events={events}
        empty="No change in the log."
      />
      <h2>Memberships</h2>
      <MemberTable router={router} found={members} />
      <InterfaceSettingsView router={router} at={key} version={settingsRev} say={say} />
    </>
  );
}

/** Events of the interface that arrived after the history was read. */
function laterEvents(
  events: readonly EventMessage[],
  after: number,
  { ifIndex, nextHop }: InterfaceRef,
): EventMessage[] {
  return events.filter(
    (event) => event.rev > after && event.ifIndex === ifIndex && event.nextHop === nextHop,
  );
}

/** The revision of the last change of its settings since the page was opened; 0 without one. */
function settingsRevOf(events: readonly EventMessage[], key: InterfaceRef): number {
  return laterEvents(events, 0, key).findLast(({ type }) => type === 'interface-set')?.rev ?? 0;
}
