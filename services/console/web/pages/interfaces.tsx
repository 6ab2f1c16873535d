import {
  isIgmp,
  protocolName,
  type InterfaceItem,
  clientText,
  counted,
  instantText,
  interfaceText,
} from '@mgm/protocol';
import { useMemo, useState } from 'preact/hooks';
import { holdText } from '../model/format.ts';
import { useLive } from '../model/live.ts';
import { addressOf, interfaceAddress } from '../model/place.ts';
import type { PageProps } from '../parts/frame.tsx';
import { ReleaseButton } from '../parts/release-button.tsx';
import { Table, type Column } from '../parts/table.tsx';

type Held = 'all' | 'stale' | 'igmp';

/** All interfaces that are held: filters, search, forced release. */
export function InterfacesPage({ router, live, say }: PageProps) {
  useLive(live);
  const [search, setSearch] = useState('');
  const [protocol, setProtocol] = useState('');
  const [held, setHeld] = useState<Held>('all');
  const { rows } = live.interfaces;
  const protocols = useMemo(() => [...new Set(rows.map(protocolOf))].toSorted(), [rows]);
  const shown = useMemo(
    () => rows.filter((row) => matches(row, search.trim().toLowerCase(), protocol, held)),
    [rows, search, protocol, held],
  );
  const columns: readonly Column<InterfaceItem>[] = [
    {
      title: 'Interface',
      cell: (row) => <a href={interfaceAddress(router, row)}>{interfaceText(row)}</a>,
    },
    { title: 'Owner', cell: (row) => clientText(row) },
    {
      title: 'State',
      isExtra: true,
      cell: (row) => <span class={row.stale ? 'bad' : 'good'}>{holdText(row)}</span>,
    },
    {
      title: 'Session',
      isExtra: true,
      cell: ({ session }) => <a href={addressOf(router, 'session', session)}>{session}</a>,
    },
    { title: 'Epoch', isExtra: true, cell: ({ epoch }) => epoch },
    { title: 'Since (UTC)', isExtra: true, cell: ({ since }) => instantText(since) },
    {
      title: 'Action',
      cell: (row) => <ReleaseButton router={router} item={row} say={say} />,
    },
  ];
  return (
    <>
      <h1>Interfaces</h1>
      <div class="filters">
        <label>
          Search{' '}
          <input
            type="search"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        <label>
          Protocol{' '}
          <select value={protocol} onChange={(event) => setProtocol(event.currentTarget.value)}>
            <option value="">all</option>
            {protocols.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <label>
          State{' '}
          <select value={held} onChange={(event) => setHeld(heldOf(event.currentTarget.value))}>
            <option value="all">all</option>
            <option value="stale">stale</option>
            <option value="igmp">with IGMP</option>
          </select>
        </label>
        <output>
          {shown.length === rows.length
            ? counted(rows.length, 'interface')
            : `${shown.length.toLocaleString('en')} of ${counted(rows.length, 'interface')}`}
        </output>
      </div>
      <Table
        label="Interfaces"
        rows={shown}
        columns={columns}
        keyOf={interfaceText}
        empty={live.state === 'loading' ? 'Loading …' : 'No interface matches.'}
      />
    </>
  );
}

function heldOf(text: string): Held {
  return text === 'stale' || text === 'igmp' ? text : 'all';
}

function protocolOf({ protocolId }: InterfaceItem): string {
  return protocolName(protocolId);
}

function matches(row: InterfaceItem, search: string, protocol: string, held: Held): boolean {
  if (protocol !== '' && protocolOf(row) !== protocol) return false;
  if (held === 'stale' && !row.stale) return false;
  if (held === 'igmp' && !row.igmp && !isIgmp(row.protocolId)) return false;
  if (search === '') return true;
  // Parts of sessions and epochs would match the number of nearly every interface by chance.
  if (search === String(row.session) || search === row.epoch) return true;
  return `${interfaceText(row)} ${clientText(row)}`.toLowerCase().includes(search);
}
