import type { EventMessage } from '@mgm/protocol';
import { instantText, interfaceText } from '@mgm/protocol';
import { eventClient, eventReason, eventTone } from '../model/format.ts';
import type { Live } from '../model/live.ts';
import { addressOf, interfaceAddress } from '../model/place.ts';
import { Table, type Column } from './table.tsx';

interface EventTableProps {
  readonly label: string;
  readonly router: string;
  readonly live: Live;
  /** In the order in which they are shown. */
  readonly events: readonly EventMessage[];
  readonly empty: string;
}

/** Events of the log. */
export function EventTable({ label, router, live, events, empty }: EventTableProps) {
  const columns: readonly Column<EventMessage>[] = [
    { title: 'Revision', cell: ({ rev }) => rev },
    { title: 'Type', cell: (event) => <span class={eventTone(event)}>{event.type}</span> },
    { title: 'Interface', cell: (event) => <InterfaceLink router={router} event={event} /> },
    {
      title: 'Client',
      isExtra: true,
      cell: (event) => `${eventClient(event)} ${live.interfaces.nameOf(event.session)}`,
    },
    {
      title: 'Session',
      isExtra: true,
      cell: ({ session }) =>
        session !== undefined &&
        session !== 0 && <a href={addressOf(router, 'session', session)}>{session}</a>,
    },
    { title: 'Epoch', isExtra: true, cell: ({ epoch }) => epoch },
    { title: 'Time (UTC)', isExtra: true, cell: ({ ts }) => instantText(ts) },
    { title: 'Reason', isExtra: true, cell: eventReason },
  ];
  return (
    <Table label={label} rows={events} columns={columns} keyOf={({ rev }) => rev} empty={empty} />
  );
}

function InterfaceLink({
  router,
  event,
}: {
  readonly router: string;
  readonly event: EventMessage;
}) {
  const { ifIndex, nextHop } = event;
  if (ifIndex === undefined) return null;
  return (
    <a href={interfaceAddress(router, { ifIndex, nextHop })}>
      {interfaceText({ ifIndex, nextHop })}
    </a>
  );
}
