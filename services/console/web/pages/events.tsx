import type { EventMessage } from '@mgm/protocol';
import { useEffect, useState } from 'preact/hooks';
import { counted, interfaceText } from '@mgm/protocol';
import type { EventPage, Problem } from '../../src/api.ts';
import { eventClient, eventReason } from '../model/format.ts';
import { useLive, type Live } from '../model/live.ts';
import { get, RequestError } from '../model/requests.ts';
import { EventTable } from '../parts/event-table.tsx';
import type { PageProps } from '../parts/frame.tsx';
import { ProblemNote } from '../parts/problem.tsx';

const PAGE_ITEMS = 500;

/** Events as they happen, newest first: pause, search, or a part of the log from a revision on. */
export function EventsPage({ router, live }: PageProps) {
  const [paused, setPaused] = useState<readonly EventMessage[]>();
  const [search, setSearch] = useState('');
  const [revision, setRevision] = useState('');
  const log = useLog(router, live);
  useLive(live, paused !== undefined || log.page !== undefined);
  const current = paused ?? [...log.before(live.events), ...live.events].toReversed();
  const all = log.page ?? current;
  const wanted = search.trim().toLowerCase();
  const events = wanted === '' ? all : all.filter((event) => textOf(event, live).includes(wanted));
  return (
    <>
      <h1>Events</h1>
      <div class="filters">
        <button
          type="button"
          aria-pressed={paused !== undefined}
          disabled={log.page !== undefined}
          onClick={() => setPaused(paused ? undefined : current)}
        >
          {paused ? 'Continue' : 'Pause'}
        </button>
        <label>
          Search{' '}
          <input
            type="search"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void log.goTo(Number(revision));
          }}
        >
          <label>
            Revision{' '}
            <input
              inputMode="numeric"
              pattern="[0-9]{1,15}"
              required
              size={10}
              value={revision}
              onInput={(event) => setRevision(event.currentTarget.value)}
            />
          </label>{' '}
          <button type="submit">Go</button>
        </form>
        {log.page && (
          <>
            <button type="button" disabled={!log.hasLater} onClick={() => void log.later()}>
              Later
            </button>
            <button type="button" onClick={log.leave}>
              Back to live
            </button>
          </>
        )}
        <output>{counted(events.length, 'event')}</output>
      </div>
      <ProblemNote problem={log.problem} />
      <EventTable label="Events" router={router} live={live} events={events} empty="No event." />
    </>
  );
}

/** The log on the server: the events before those that this browser saw, and parts that the user goes to. */
function useLog(router: string, live: Live) {
  const [recent, setRecent] = useState<readonly EventMessage[]>([]);
  const [page, setPage] = useState<readonly EventMessage[]>();
  const [head, setHead] = useState(0);
  const [problem, setProblem] = useState<Problem>();
  const isLoaded = live.rev > 0;
  const read = async (after: number): Promise<EventPage | undefined> => {
    setProblem(undefined);
    const query = new URLSearchParams({
      from: String(Math.max(0, after)),
      limit: String(PAGE_ITEMS),
    });
    try {
      return await get<EventPage>(`${encodeURIComponent(router)}/events?${query}`);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      const { first } = error.problem;
      const hint = first === undefined ? '' : `; the log begins with revision ${first}`;
      setProblem({ ...error.problem, message: `${error.problem.message}${hint}` });
      return undefined;
    }
  };
  useEffect(() => {
    if (isLoaded) void read(live.rev - PAGE_ITEMS).then((found) => setRecent(found?.events ?? []));
  }, [isLoaded]);
  const show = async (after: number): Promise<void> => {
    const found = await read(after);
    if (!found) return;
    setPage(found.events);
    setHead(found.head);
  };
  const last = page?.at(-1)?.rev ?? 0;
  return {
    page,
    problem,
    hasLater: last > 0 && last < head,
    before: (seen: readonly EventMessage[]) =>
      recent.filter(({ rev }) => rev < (seen[0]?.rev ?? Infinity)),
    goTo: (rev: number) => show(rev - 1),
    later: () => show(last),
    leave: () => {
      setPage(undefined);
      setProblem(undefined);
    },
  };
}

function textOf(event: EventMessage, live: Live): string {
  const { rev, type, ifIndex, nextHop, session, epoch = '' } = event;
  const key = ifIndex === undefined ? '' : interfaceText({ ifIndex, nextHop });
  const client = `${eventClient(event)} ${live.interfaces.nameOf(session)}`;
  return `${rev} ${type} ${key} ${client} ${session} ${epoch} ${eventReason(event)}`.toLowerCase();
}
