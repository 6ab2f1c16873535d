import type { Figures } from './figures.ts';
import type { Tally } from './tally.ts';

/** What metrics are read from. */
export interface MetricSource {
  readonly figures: Figures;
  /** Requests taken and not yet answered. */
  readonly waiting: number;
  readonly isNatsReady: boolean;
  readonly isStoreReady: boolean;
  /** Of this replica: its name and version, what it promises, its store. */
  readonly info: Readonly<Record<InfoLabel, string>>;
}

type InfoLabel = 'replica' | 'version' | 'durability' | 'store';
type Labels = Readonly<Record<string, string>>;

/** One line of a counter or gauge. */
export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** One histogram of several that differ by their labels. */
export interface Distribution {
  readonly labels?: Labels;
  readonly tally: Tally;
}

/** A metric: how it is called, what it means, and where it comes from. */
export interface Described {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export type MetricEntry = Described &
  (
    | { readonly type: 'counter' | 'gauge'; readonly read: (from: MetricSource) => Sample[] }
    | {
        readonly type: 'histogram';
        /** What one unit of the tally is in that of the metric. */
        readonly scale: number;
        readonly read: (from: MetricSource) => Distribution[];
      }
  );

/** Tallies are in ms, metrics in seconds as Prometheus has it. */
const SECONDS = 1 / 1000;

/** Every metric of a manager besides those of the process. Names and meanings stand here and nowhere else. */
export const METRICS: readonly MetricEntry[] = [
  {
    name: 'mgm_requests_total',
    type: 'counter',
    help: 'requests answered, by operation and by `ok` or the reason of the refusal; `overloaded`, `unavailable` and `indeterminate` need a look',
    labels: ['operation', 'result'],
    read: ({ figures }) =>
      [...figures.operations].flatMap(([operation, { results }]) =>
        [...results].map(([result, value]) => ({ labels: { operation, result }, value })),
      ),
  },
  {
    name: 'mgm_request_seconds',
    type: 'histogram',
    help: 'from taking a request to its answer; a keepalive may wait a moment for others to share a call with',
    labels: ['operation'],
    scale: SECONDS,
    read: ({ figures }) =>
      [...figures.operations].map(([operation, { times: tally }]) => ({
        labels: { operation },
        tally,
      })),
  },
  {
    name: 'mgm_requests_waiting',
    type: 'gauge',
    help: 'requests taken and not yet answered; `MGM_QUEUE_MAX` bounds those that wait for the store',
    read: ({ waiting }) => [{ value: waiting }],
  },
  {
    name: 'mgm_batch_operations',
    type: 'histogram',
    help: 'operations decided by one call of the arbiter script, sweeps and heads too',
    scale: 1,
    read: ({ figures }) => [{ tally: figures.batchOperations }],
  },
  {
    name: 'mgm_script_seconds',
    type: 'histogram',
    help: 'one call of the arbiter script, from sending it to its reply; in mode `replicated` until replicas have it',
    scale: SECONDS,
    read: ({ figures }) => [{ tally: figures.callMs }],
  },
  {
    name: 'mgm_script_failures_total',
    type: 'counter',
    help: 'calls of the arbiter script without a reply; `unavailable`: not sent, `indeterminate`: nobody knows whether it ran',
    labels: ['code'],
    read: ({ figures }) => byName('code', figures.callsFailed),
  },
  {
    name: 'mgm_sweep_slice_seconds',
    type: 'histogram',
    help: 'one slice of a sweep, which takes down a bounded number of interfaces',
    scale: SECONDS,
    read: ({ figures }) => [{ tally: figures.sliceMs }],
  },
  {
    name: 'mgm_sweep_sessions_ended_total',
    type: 'counter',
    help: 'sessions that sweeps of this replica found over',
    read: ({ figures }) => [{ value: figures.sessionsEnded }],
  },
  {
    name: 'mgm_sweep_interfaces_released_total',
    type: 'counter',
    help: 'interfaces that sweeps of this replica took down',
    read: ({ figures }) => [{ value: figures.interfacesReleased }],
  },
  {
    name: 'mgm_takes_held_back_total',
    type: 'counter',
    help: 'interfaces not granted because the store lost data less than a lease ago; see `store-reset` in `mgm_events_total`',
    read: ({ figures }) => [{ value: figures.interfacesHeldBack }],
  },
  {
    name: 'mgm_events_total',
    type: 'counter',
    help: 'changes of state that this replica decided and published; `store-reset`: the store was found to have lost data',
    labels: ['type'],
    read: ({ figures }) => byName('type', figures.events),
  },
  {
    name: 'mgm_callbacks_total',
    type: 'counter',
    help: 'callbacks published to sessions',
    read: ({ figures }) => [{ value: figures.callbacks }],
  },
  {
    name: 'mgm_heads_total',
    type: 'counter',
    help: 'heads published; none for some seconds while sessions live means that watchers learn late what they missed',
    read: ({ figures }) => [{ value: figures.heads }],
  },
  {
    name: 'mgm_connected',
    type: 'gauge',
    help: '1 while the server can be used, else 0',
    labels: ['server'],
    read: ({ isNatsReady, isStoreReady }) => [
      { labels: { server: 'nats' }, value: Number(isNatsReady) },
      { labels: { server: 'redis' }, value: Number(isStoreReady) },
    ],
  },
  {
    name: 'mgm_connection_losses_total',
    type: 'counter',
    help: 'how often the connection was lost',
    labels: ['server'],
    read: ({ figures }) => byName('server', Object.entries(figures.losses)),
  },
  {
    name: 'mgm_info',
    type: 'gauge',
    help: 'always 1; its labels tell which replica this is, what it promises and on which store',
    labels: ['replica', 'version', 'durability', 'store'],
    read: ({ info }) => [{ labels: info, value: 1 }],
  },
];

function byName(label: string, counts: Iterable<readonly [string, number]>): Sample[] {
  return Array.from(counts, ([name, value]) => ({ labels: { [label]: name }, value }));
}
