import type { OperatorEvent } from '@mgm/client';
import { clientText, instantText, interfaceText, settingParts } from '@mgm/protocol';
import type { AuditPage as Audit } from '../../src/api.ts';
import { usePolled } from '../model/requests.ts';
import type { PageProps } from '../parts/frame.tsx';
import { entryText } from '../parts/member-table.tsx';
import { ProblemNote } from '../parts/problem.tsx';
import { Table, type Column } from '../parts/table.tsx';

const POLL_MS = 3_000;

const COLUMNS: readonly Column<OperatorEvent>[] = [
  { title: 'No', cell: ({ number }) => number },
  {
    title: 'Action',
    cell: ({ type, operation, reason }) =>
      type === 'refused' ? (
        <span class="bad">{`${operation} refused: ${reason ?? 'unknown reason'}`}</span>
      ) : (
        type
      ),
  },
  { title: 'Target', isExtra: true, cell: targetText },
  {
    title: 'Operator',
    cell: ({ actor, caller }) => (caller === undefined ? actor : `${actor} as ${caller}`),
  },
  { title: 'Reason', isExtra: true, cell: ({ why }) => why },
  { title: 'Revision', isExtra: true, cell: ({ rev }) => rev },
  { title: 'Time (UTC)', isExtra: true, cell: ({ ts }) => instantText(ts) },
];

/** The actions of operators and their refused attempts, newest first. */
export function AuditPage({ router }: PageProps) {
  const { value, problem } = usePolled<Audit>(`${router}/audit`, POLL_MS);
  return (
    <>
      <h1>Audit</h1>
      <ProblemNote problem={problem} />
      <Table
        label="Actions of operators"
        rows={value?.events.toReversed() ?? []}
        columns={COLUMNS}
        keyOf={({ number }) => number}
        empty={value ? 'No action of an operator.' : 'Loading …'}
      />
    </>
  );
}

function targetText(event: OperatorEvent): string {
  const { ifIndex, nextHop, protocolId, componentId, session, epoch, group, source = '' } = event;
  return [
    ...(ifIndex === undefined ? [] : [`interface ${interfaceText({ ifIndex, nextHop })}`]),
    ...(protocolId === undefined || componentId === undefined
      ? []
      : [clientText({ protocolId, componentId })]),
    ...(session === undefined ? [] : [`session ${session}`]),
    ...(epoch === undefined ? [] : [`epoch ${epoch}`]),
    ...(group === undefined ? [] : [entryText(group, source)]),
    ...settingParts(event),
  ].join(', ');
}
