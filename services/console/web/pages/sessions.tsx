import type { SessionItem } from '@mgm/protocol';
import { clientText, counted } from '@mgm/protocol';
import type { SessionList } from '../../src/api.ts';
import { addressOf } from '../model/place.ts';
import { usePolled } from '../model/requests.ts';
import { Countdown } from '../parts/countdown.tsx';
import { EvictButton } from '../parts/evict-button.tsx';
import type { PageProps } from '../parts/frame.tsx';
import { ProblemNote } from '../parts/problem.tsx';
import { Table, type Column } from '../parts/table.tsx';

export const SESSIONS_EVERY_MS = 2_000;

/** All sessions, with the rest of their leases. */
export function SessionsPage({ router, say }: PageProps) {
  const { value, problem, atMono } = usePolled<SessionList>(
    `${router}/sessions`,
    SESSIONS_EVERY_MS,
  );
  const sessions = value?.sessions ?? [];
  const columns: readonly Column<SessionItem>[] = [
    {
      title: 'Session',
      cell: ({ session }) => <a href={addressOf(router, 'session', session)}>{session}</a>,
    },
    { title: 'Client', cell: (item) => clientText(item) },
    {
      title: 'State',
      isExtra: true,
      cell: ({ state }) => <span class={state === 'live' ? 'good' : 'bad'}>{state}</span>,
    },
    {
      title: 'Time left',
      cell: ({ expiresInMs }) => <Countdown leftMs={expiresInMs} atMono={atMono} />,
    },
    { title: 'Interfaces', isExtra: true, cell: ({ interfaces }) => interfaces },
    { title: 'Action', cell: (item) => <EvictButton router={router} item={item} say={say} /> },
  ];
  return (
    <>
      <h1>Sessions</h1>
      <ProblemNote problem={problem} />
      <p>
        {value &&
          `${counted(sessions.length, 'session')}${value.hasMore ? ', and more that are not listed' : ''}`}
      </p>
      <Table
        label="Sessions"
        rows={sessions}
        columns={columns}
        keyOf={({ session }) => session}
        empty={value ? 'None.' : 'Loading …'}
      />
    </>
  );
}
