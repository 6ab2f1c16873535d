import { counted, durationText } from '@mgm/protocol';
import type { About, ReplicaList, SessionList } from '../../src/api.ts';
import { useLive } from '../model/live.ts';
import { addressOf } from '../model/place.ts';
import { usePolled } from '../model/requests.ts';
import { RateChart } from '../parts/chart.tsx';
import type { PageProps } from '../parts/frame.tsx';
import { ProblemNote } from '../parts/problem.tsx';
import { replicaAlerts } from './replicas.tsx';

const POLL_MS = 5_000;
const RATE_OVER_S = 10;

/** Figures, alerts, the rate of changes, and all routers. */
export function OverviewPage({ router, live }: PageProps) {
  useLive(live);
  const replicas = usePolled<ReplicaList>('replicas', POLL_MS);
  const sessions = usePolled<SessionList>(`${router}/sessions`, POLL_MS);
  const about = usePolled<About>('about', POLL_MS);
  const { rows } = live.interfaces;
  const listed = sessions.value?.sessions ?? [];
  const stale = listed.filter(({ state }) => state === 'stale');
  const [, counts] = live.rates();
  const rate = counts.slice(-RATE_OVER_S).reduce((sum, count) => sum + count, 0) / RATE_OVER_S;
  const alerts = [
    ...(replicas.value ? replicaAlerts(replicas.value.replicas) : []),
    ...(stale.length > 0
      ? [`${counted(stale.length, 'session')} stale: their leases ran out`]
      : []),
  ];
  return (
    <>
      <h1>Overview</h1>
      <ProblemNote problem={replicas.problem ?? sessions.problem} />
      <dl class="figures">
        <Figure
          title="Interfaces held"
          text={rows.length.toLocaleString('en')}
          href={addressOf(router, 'interfaces')}
        />
        <Figure
          title="Sessions"
          text={sessions.value ? `${listed.length}${sessions.value.hasMore ? '+' : ''}` : '…'}
          href={addressOf(router, 'sessions')}
        />
        <Figure
          title="Replicas"
          text={String(replicas.value?.replicas.length ?? '…')}
          href={addressOf(router, 'replicas')}
        />
        <Figure
          title="Changes per second"
          text={rate.toFixed(1)}
          href={addressOf(router, 'events')}
        />
        <Figure title="Revision" text={String(live.rev)} href={addressOf(router, 'events')} />
      </dl>
      <section>
        <h2>Alerts</h2>
        {alerts.length === 0 ? (
          <p>None.</p>
        ) : (
          <ul class="alerts">
            {alerts.map((alert) => (
              <li key={alert}>{alert}</li>
            ))}
          </ul>
        )}
      </section>
      <section>
        <h2>Changes per second</h2>
        <RateChart live={live} />
      </section>
      <section>
        <h2>Routers with live sessions</h2>
        <ul>
          {(about.value?.routers ?? []).map(({ router: name, rev }) => (
            <li key={name}>
              <a href={addressOf(name, 'overview')}>{name}</a>, revision {rev}
            </li>
          ))}
        </ul>
        {about.value?.routers.length === 0 && <p>None.</p>}
        {stale.map(({ session, expiresInMs }) => (
          <p key={session}>
            <a href={addressOf(router, 'session', session)}>Session {session}</a> is stale, grace
            time {durationText(expiresInMs)} left
          </p>
        ))}
      </section>
    </>
  );
}

function Figure({ title, text, href }: { title: string; text: string; href: string }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        <a href={href} aria-label={`${title}: ${text}`}>
          {text}
        </a>
      </dd>
    </div>
  );
}
