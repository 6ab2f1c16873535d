import type { ListedRoute } from '@mgm/client';
import { interfaceText, protocolName } from '@mgm/protocol';
import { addressOf, interfaceAddress } from '../model/place.ts';
import type { PageProps } from '../parts/frame.tsx';
import { ProblemNote } from '../parts/problem.tsx';
import { useSearch } from '../parts/search.tsx';
import { Table, type Column } from '../parts/table.tsx';

/** The routes of the multicast view, searched on the server. */
export function RoutesPage({ router }: PageProps) {
  const { form, found } = useSearch<ListedRoute>(
    `${router}/routes`,
    'Prefix or upstream router contains',
  );
  const { value, problem } = found;
  const columns: readonly Column<ListedRoute>[] = [
    { title: 'Prefix', cell: prefixText },
    {
      title: 'Interface',
      cell: (route) => <a href={interfaceAddress(router, route)}>{interfaceText(route)}</a>,
    },
    { title: 'Best', cell: ({ best }) => (best ? <span class="good">best</span> : '') },
    { title: 'Upstream', isExtra: true, cell: ({ neighbour }) => neighbour },
    { title: 'Origin', isExtra: true, cell: ({ protocolId }) => protocolName(protocolId) },
    { title: 'Preference', isExtra: true, cell: ({ preference }) => preference },
    {
      title: 'Session',
      isExtra: true,
      cell: ({ session }) => <a href={addressOf(router, 'session', session)}>{session}</a>,
    },
  ];
  return (
    <>
      <h1>Routes</h1>
      {form}
      <ProblemNote problem={problem} />
      <Table
        label="Routes"
        rows={value?.items ?? []}
        columns={columns}
        keyOf={(route) => `${prefixText(route)} ${route.session}`}
        empty={value || problem ? 'No route matches.' : 'Loading …'}
      />
    </>
  );
}

function prefixText({ network, length }: ListedRoute): string {
  return `${network}/${length}`;
}
