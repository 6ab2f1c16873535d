import type { ListedMembership } from '@mgm/client';
import { interfaceText } from '@mgm/protocol';
import type { FoundMembers } from '../../src/api.ts';
import { addressOf, interfaceAddress } from '../model/place.ts';
import type { Polled } from '../model/requests.ts';
import { ProblemNote } from './problem.tsx';
import { Table, type Column } from './table.tsx';

/** A group or a source; wildcards have no address. */
export function addressText(address: string): string {
  return address === '' || address === '::' ? '*' : address;
}

/** `(10.0.0.1, 232.1.1.1)`, `(*, 239.1.1.1)` */
export function entryText(group: string, source: string): string {
  return `(${addressText(source)}, ${addressText(group)})`;
}

/** The group and the source of a membership. */
export const ENTRY_COLUMNS: readonly Column<ListedMembership>[] = [
  { title: 'Group', cell: ({ group }) => addressText(group) },
  { title: 'Source', cell: ({ source }) => addressText(source) },
];

/** The session that a membership counts for. */
export function countsForColumn(router: string): Column<ListedMembership> {
  return {
    title: 'Counts for',
    isExtra: true,
    cell: ({ countsFor }) =>
      countsFor === 0 ? (
        'nobody'
      ) : (
        <a href={addressOf(router, 'session', countsFor)}>{countsFor}</a>
      ),
  };
}

/** Memberships that the server found. */
export function MemberTable({
  router,
  found,
}: {
  readonly router: string;
  readonly found: Polled<FoundMembers>;
}) {
  const { value, problem } = found;
  const columns: readonly Column<ListedMembership>[] = [
    ...ENTRY_COLUMNS,
    {
      title: 'Interface',
      cell: (item) => <a href={interfaceAddress(router, item)}>{interfaceText(item)}</a>,
    },
    {
      title: 'Session',
      isExtra: true,
      cell: ({ session }) =>
        session === 0 ? 'static' : <a href={addressOf(router, 'session', session)}>{session}</a>,
    },
    countsForColumn(router),
  ];
  return (
    <>
      <ProblemNote problem={problem} />
      {value?.hasMore === true && <p>Only the first {value.items.length} are listed.</p>}
      <Table
        label="Memberships"
        rows={value?.items ?? []}
        columns={columns}
        keyOf={(item) => `${item.group} ${item.source} ${interfaceText(item)} ${item.session}`}
        empty={value || problem ? 'None.' : 'Loading …'}
      />
    </>
  );
}
