import type { ComponentChildren } from 'preact';
import type { About } from '../../src/api.ts';
import { useLive, type Live, type LiveState } from '../model/live.ts';
import { addressOf } from '../model/place.ts';

/** What every page gets. */
export interface PageProps {
  readonly router: string;
  readonly live: Live;
  readonly args: readonly string[];
  /** Shows what was done. */
  readonly say: (text: string) => void;
}

const PAGES = [
  ['overview', 'Overview'],
  ['interfaces', 'Interfaces'],
  ['sessions', 'Sessions'],
  ['groups', 'Groups'],
  ['forwarding', 'Forwarding'],
  ['routes', 'Routes'],
  ['replicas', 'Replicas'],
  ['events', 'Events'],
  ['audit', 'Audit'],
] as const;

const STATES: Readonly<Record<LiveState, string>> = {
  loading: 'loading',
  live: 'live',
  waiting: 'the console is not connected to NATS',
  lost: 'no connection to the console',
};

interface FrameProps {
  readonly about: About | undefined;
  readonly live: Live;
  readonly page: string;
  readonly said: string;
  readonly children: ComponentChildren;
}

/** The header with router, pages and state, around one page. */
export function Frame({ about, live, page, said, children }: FrameProps) {
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => (
          event.preventDefault(),
          document.querySelector<HTMLElement>('main')?.focus()
        )}
      >
        Skip to content
      </a>
      <header>
        <strong>MGM</strong>
        <RouterChoice about={about} router={live.router} page={page} />
        <StateLine live={live} />
        {about && <span class="user">{about.user}</span>}
      </header>
      <nav aria-label="Pages">
        {PAGES.map(([name, title]) => (
          <a
            key={name}
            href={addressOf(live.router, name)}
            aria-current={isShown(name, page) ? 'page' : undefined}
          >
            {title}
          </a>
        ))}
      </nav>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <div class="said" role="status">
        {said}
      </div>
    </>
  );
}

/** The page of one interface belongs to the page of all. */
function isShown(name: string, page: string): boolean {
  return name === page || name === `${page}s`;
}

function RouterChoice({
  about,
  router,
  page,
}: {
  about: About | undefined;
  router: string;
  page: string;
}) {
  const known = about?.routers.map((one) => one.router) ?? [];
  const names = known.includes(router) ? known : [router, ...known];
  return (
    <label class="router">
      Router{' '}
      <select
        value={router}
        onChange={(event) => (location.hash = addressOf(event.currentTarget.value, page))}
      >
        {names.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

function StateLine({ live }: { readonly live: Live }) {
  useLive(live);
  const { state, rev, problem } = live;
  return (
    <span class={`state ${state}`} data-state={state} title={`revision ${rev}`}>
      {problem?.message ?? STATES[state]}
    </span>
  );
}
