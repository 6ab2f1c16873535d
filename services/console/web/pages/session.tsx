import type { InterfaceItem } from '@mgm/protocol';
import { clientText, interfaceText } from '@mgm/protocol';
import type { FoundMembers, SessionList } from '../../src/api.ts';
import { holdText } from '../model/format.ts';
import { useLive } from '../model/live.ts';
import { interfaceAddress } from '../model/place.ts';
import { usePolled } from '../model/requests.ts';
import { Countdown } from '../parts/countdown.tsx';
import { EventTable } from '../parts/event-table.tsx';
import { EvictButton } from '../parts/evict-button.tsx';
import type { PageProps } from '../parts/frame.tsx';
import { MemberTable } from '../parts/member-table.tsx';
import { ProblemNote } from '../parts/problem.tsx';
import { Table, type Column } from '../parts/table.tsx';
import { SESSIONS_EVERY_MS } from './sessions.tsx';

/** One session: lease, interfaces, memberships, events since the page was opened. */
export function SessionPage({ router, live, args, say }: PageProps) {
  useLive(live);
  const session = Number(args[0]);
  const { value, problem, atMono } = usePolled<SessionList>(
    `${router}/sessions`,
    SESSIONS_EVERY_MS,
  );
  const members = usePolled<FoundMembers>(`${router}/members?session=${session}`, Infinity);
  const item = value?.sessions.find((one) => one.session === session);
  const held = live.interfaces.rows.filter(
    (row) => row.session === session || row.igmp?.session === session,
  );
  const events = live.events
    .filter((event) => event.session === session || event.previous === session)
    .toReversed();
  const columns: readonly Column<InterfaceItem>[] = [
    {
      title: 'Interface',
      cell: (row) => <a href={interfaceAddress(router, row)}>{interfaceText(row)}</a>,
    },
    { title: 'State', cell: holdText },
    {
      title: 'Epoch',
      isExtra: true,
      cell: (row) => (row.session === session ? row.epoch : row.igmp?.epoch),
    },
  ];
  return (
    <>
      <h1>Session {session}</h1>
      <ProblemNote problem={problem} />
      {item && (
        <>
          <dl class="details">
            <dt>Client</dt>
            <dd>{clientText(item)}</dd>
            <dt>State</dt>
            <dd>{item.state}</dd>
            <dt>{item.state === 'live' ? 'Lease left' : 'Grace time left'}</dt>
            <dd>
              <Countdown leftMs={item.expiresInMs} atMono={atMono} />
            </dd>
            <dt>Interfaces</dt>
            <dd>{item.interfaces}</dd>
          </dl>
          <EvictButton router={router} item={item} say={say} />
        </>
      )}
      {value && !item && (
        <p>{value.hasMore ? 'It is not among the sessions that are listed.' : 'It has ended.'}</p>
      )}
      <h2>Interfaces</h2>
      <Table label="Interfaces" rows={held} columns={columns} keyOf={interfaceText} empty="None." />
      <h2>Events since this page was opened</h2>
      <EventTable label="Events" router={router} live={live} events={events} empty="None." />
      <h2>Memberships</h2>
      <MemberTable router={router} found={members} />
    </>
  );
}
