import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { About } from '../src/api.ts';
import { Live } from './model/live.ts';
import { addressOf, usePlace } from './model/place.ts';
import { usePolled } from './model/requests.ts';
import { Frame, type PageProps } from './parts/frame.tsx';
import { ProblemNote } from './parts/problem.tsx';
import { AuditPage } from './pages/audit.tsx';
import { EventsPage } from './pages/events.tsx';
import { ForwardingPage } from './pages/forwarding.tsx';
import { GroupsPage } from './pages/groups.tsx';
import { InterfacePage } from './pages/interface.tsx';
import { InterfacesPage } from './pages/interfaces.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { ReplicasPage } from './pages/replicas.tsx';
import { RoutesPage } from './pages/routes.tsx';
import { SessionPage } from './pages/session.tsx';
import { SessionsPage } from './pages/sessions.tsx';
import './style.css';

const ABOUT_EVERY_MS = 15_000;
const SAID_FOR_MS = 8_000;

const PAGES: Readonly<Record<string, (props: PageProps) => preact.JSX.Element>> = {
  overview: OverviewPage,
  interfaces: InterfacesPage,
  interface: InterfacePage,
  sessions: SessionsPage,
  session: SessionPage,
  groups: GroupsPage,
  forwarding: ForwardingPage,
  routes: RoutesPage,
  replicas: ReplicasPage,
  events: EventsPage,
  audit: AuditPage,
};

function App() {
  const place = usePlace();
  const { value: about, problem } = usePolled<About>('about', ABOUT_EVERY_MS);
  const router = place.router || (about?.router ?? '');
  useEffect(() => {
    if (place.router === '' && router !== '') location.replace(addressOf(router, 'overview'));
  }, [place.router, router]);
  if (router !== '') return <RouterView key={router} router={router} about={about} />;
  return (
    <main>
      <h1>MGM console</h1>
      <ProblemNote problem={problem} />
      {about && <p>No router has live sessions yet; this page looks again.</p>}
      {!about && !problem && <p>Looking for routers …</p>}
    </main>
  );
}

function RouterView({
  router,
  about,
}: {
  readonly router: string;
  readonly about: About | undefined;
}) {
  const { page, args } = usePlace();
  const [live, setLive] = useState<Live>();
  const [said, say] = useState('');
  useEffect(() => {
    const opened = new Live(router);
    // For tests and for the curious: what the page knows.
    Object.assign(globalThis, { mgmLive: opened });
    setLive(opened);
    return () => opened.close();
  }, [router]);
  useEffect(() => {
    const timer = setTimeout(() => say(''), SAID_FOR_MS);
    return () => clearTimeout(timer);
  }, [said]);
  useEffect(() => {
    document.title = `${page} · ${router} · MGM console`;
  }, [page, router]);
  if (!live) return null;
  const Page = PAGES[page] ?? OverviewPage;
  return (
    <Frame about={about} live={live} page={page} said={said}>
      <Page key={[page, ...args].join('/')} router={router} live={live} args={args} say={say} />
    </Frame>
  );
}

const root = document.getElementById('app');
if (root) render(<App />, root);
