import {
  counted,
  durationText,
  interfaceText,
  outgoingText,
  protocolName,
  type AgentItem,
  type ReportedMfe,
} from '@mgm/protocol';
import type { AgentList } from '../../src/api.ts';
import { addressOf, interfaceAddress } from '../model/place.ts';
import { usePolled } from '../model/requests.ts';
import { Countdown } from '../parts/countdown.tsx';
import type { PageProps } from '../parts/frame.tsx';
import { ProblemNote } from '../parts/problem.tsx';
import { useSearch } from '../parts/search.tsx';
import { Table, type Column } from '../parts/table.tsx';

/** How often the page of one forwarding entry reads it again. */
const ENTRY_EVERY_MS = 2_000;
/** How often the agents are read again. */
const AGENTS_EVERY_MS = 3_000;
/** The most outgoing interfaces in a cell of the table. */
const OIFS_SHOWN = 8;

/** Forwarding entries, searched on the server; with a group and a source in the address, that entry. */
export function ForwardingPage(props: PageProps) {
  const [group, source] = props.args;
  if (group === undefined || source === undefined) return <EntrySearch {...props} />;
  return <Entry router={props.router} group={group} source={source} />;
}

function EntrySearch({ router }: PageProps) {
  const { form, found } = useSearch<ReportedMfe>(`${router}/mfes`, 'Group or source contains');
  const { value, problem } = found;
  const columns: readonly Column<ReportedMfe>[] = [
    {
      title: 'Group',
      cell: ({ group, source }) => (
        <a href={addressOf(router, 'forwarding', group, source)}>{group}</a>
      ),
    },
    { title: 'Source', cell: ({ source }) => source },
    { title: 'In', cell: (mfe) => <Incoming router={router} mfe={mfe} /> },
    { title: 'Out', cell: (mfe) => outgoingText(mfe, OIFS_SHOWN) },
    { title: 'Owner', isExtra: true, cell: (mfe) => <Owner router={router} mfe={mfe} /> },
  ];
  return (
    <>
      <h1>Forwarding entries</h1>
      {form}
      <ProblemNote problem={problem} />
      <Table
        label="Forwarding entries"
        rows={value?.items ?? []}
        columns={columns}
        keyOf={({ group, source }) => `${group} ${source}`}
        empty={value || problem ? 'No forwarding entry matches.' : 'Loading …'}
      />
      <Agents router={router} />
    </>
  );
}

/** The agents that forward, and how far they have programmed the entries. */
function Agents({ router }: Pick<PageProps, 'router'>) {
  const { value, problem } = usePolled<AgentList>(`${router}/agents`, AGENTS_EVERY_MS);
  const columns: readonly Column<AgentItem>[] = [
    {
      title: 'Agent',
      cell: ({ name, session }) => (
        <a href={addressOf(router, 'session', session)}>{name || `session ${session}`}</a>
      ),
    },
    {
      title: 'Behind',
      cell: ({ frev }) => {
        const behind = Math.max(0, (value?.frev ?? frev) - frev);
        return <span class={behind === 0 ? 'good' : 'warn'}>{counted(behind, 'change')}</span>;
      },
    },
    {
      title: 'Failed entries',
      cell: ({ failed }) => <span class={failed === 0 ? 'good' : 'bad'}>{failed}</span>,
    },
  ];
  return (
    <>
      <h2>Agents</h2>
      <ProblemNote problem={problem} />
      {value?.hasMore === true && <p>Only the first {value.agents.length} are listed.</p>}
      <Table
        label="Agents"
        rows={value?.agents ?? []}
        columns={columns}
        keyOf={({ session }) => String(session)}
        empty={value || problem ? 'No agent has reported how far it is.' : 'Loading …'}
      />
    </>
  );
}

interface EntryProps {
  readonly router: string;
  readonly group: string;
  readonly source: string;
}

function Entry({ router, group, source }: EntryProps) {
  const query = new URLSearchParams({ group, source }).toString();
  const {
    value: mfe,
    problem,
    atMono,
  } = usePolled<ReportedMfe>(`${router}/mfe?${query}`, ENTRY_EVERY_MS);
  const outgoing = (mfe?.oifs ?? []).map(([ifIndex, nextHop]) => ({ ifIndex, nextHop }));
  const columns: readonly Column<(typeof outgoing)[number]>[] = [
    {
      title: 'Interface',
      cell: (key) => <a href={interfaceAddress(router, key)}>{interfaceText(key)}</a>,
    },
  ];
  return (
    <>
      <h1>
        ({source}, {group})
      </h1>
      <p>
        <a href={addressOf(router, 'forwarding')}>All forwarding entries</a>
      </p>
      <ProblemNote problem={problem} />
      {mfe && (
        <>
          <dl class="details">
            <dt>In</dt>
            <dd>
              <Incoming router={router} mfe={mfe} />
            </dd>
            <dt>Owner</dt>
            <dd>
              <Owner router={router} mfe={mfe} />
            </dd>
            <dt>Epoch</dt>
            <dd>{mfe.session === 0 ? 'none' : mfe.iifEpoch}</dd>
            <dt>Upstream</dt>
            <dd>{mfe.upstream || 'none'}</dd>
            <dt>Route</dt>
            <dd>{routeText(mfe)}</dd>
            <dt>Up</dt>
            <dd>{durationText(mfe.upMs)}</dd>
            <dt>Expires in</dt>
            <dd>
              <Countdown leftMs={mfe.expiresInMs} atMono={atMono} />
            </dd>
          </dl>
          <Failures router={router} mfe={mfe} />
          <h2>Out</h2>
          {mfe.oifCount > outgoing.length && (
            <p>
              Only the first {outgoing.length} of {mfe.oifCount} are listed.
            </p>
          )}
          <Table
            label="Out"
            rows={outgoing}
            columns={columns}
            keyOf={interfaceText}
            empty="None: its packets are dropped."
          />
        </>
      )}
    </>
  );
}

interface MfeProps {
  readonly router: string;
  readonly mfe: ReportedMfe;
}

/** The agents that could not program the entry. */
function Failures({ router, mfe: { failed = [] } }: MfeProps) {
  return (
    <ul class="alerts">
      {failed.map(([session, reason]) => (
        <li key={session}>
          Not programmed by <a href={addressOf(router, 'session', session)}>session {session}</a>:{' '}
          {reason}
        </li>
      ))}
    </ul>
  );
}

function Incoming({ router, mfe }: MfeProps) {
  if (mfe.session === 0) return <>none</>;
  return <a href={interfaceAddress(router, mfe)}>{interfaceText(mfe)}</a>;
}

function Owner({ router, mfe: { session, protocolId } }: MfeProps) {
  if (session === 0) return <>none</>;
  return (
    <a href={addressOf(router, 'session', session)}>
      {protocolName(protocolId)}, session {session}
    </a>
  );
}

function routeText({ route }: ReportedMfe): string {
  if (!route) return 'none';
  return `${route.network}/${route.length} of ${protocolName(route.protocolId)}`;
}
