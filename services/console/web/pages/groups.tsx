import type { ListedEntry } from '@mgm/client';
import type { FoundMembers } from '../../src/api.ts';
import { addressOf } from '../model/place.ts';
import { usePolled } from '../model/requests.ts';
import type { PageProps } from '../parts/frame.tsx';
import { addressText, entryText, MemberTable } from '../parts/member-table.tsx';
import { ProblemNote } from '../parts/problem.tsx';
import { useSearch } from '../parts/search.tsx';
import { Table, type Column } from '../parts/table.tsx';

/** How the address of a page names wildcards: its parts cannot be empty. */
const WILDCARD = { '': '*', '::': '*6' } as const;

function partOf(address: string): string {
  return address === '' || address === '::' ? WILDCARD[address] : address;
}

function addressIn(part: string): string {
  if (part === WILDCARD['']) return '';
  return part === WILDCARD['::'] ? '::' : part;
}

/** Groups with memberships, searched on the server; with a group and a source in the address, its memberships. */
export function GroupsPage(props: PageProps) {
  const [group, source] = props.args;
  if (group === undefined || source === undefined) return <GroupSearch {...props} />;
  return <EntryMembers router={props.router} group={addressIn(group)} source={addressIn(source)} />;
}

function GroupSearch({ router }: PageProps) {
  const { form, found } = useSearch<ListedEntry>(`${router}/groups`, 'Group or source contains');
  const { value, problem } = found;
  const columns: readonly Column<ListedEntry>[] = [
    {
      title: 'Group',
      cell: ({ group, source }) => (
        <a href={addressOf(router, 'groups', partOf(group), partOf(source))}>
          {addressText(group)}
        </a>
      ),
    },
    { title: 'Source', cell: ({ source }) => addressText(source) },
    { title: 'Clients', cell: ({ clients }) => clients },
  ];
  return (
    <>
      <h1>Groups</h1>
      {form}
      <ProblemNote problem={problem} />
      <Table
        label="Groups"
        rows={value?.items ?? []}
        columns={columns}
        keyOf={({ group, source }) => `${group} ${source}`}
        empty={value || problem ? 'No group matches.' : 'Loading …'}
      />
    </>
  );
}

function EntryMembers({
  router,
  group,
  source,
}: {
  readonly router: string;
  readonly group: string;
  readonly source: string;
}) {
  const query = new URLSearchParams({ group, source }).toString();
  const members = usePolled<FoundMembers>(`${router}/members?${query}`, Infinity);
  return (
    <>
      <h1>{entryText(group, source)}</h1>
      <p>
        <a href={addressOf(router, 'groups')}>All groups</a>
      </p>
      <MemberTable router={router} found={members} />
    </>
  );
}
