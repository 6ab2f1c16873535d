import { OPERATIONS, type OperationName } from '@mgm/protocol';
import type { Publication, StoreMeter, SweepReport } from '@mgm/store';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

interface Definition {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labelNames?: readonly string[];
  /** Upper bounds, of histograms. */
  readonly buckets?: number[];
}

/** s; what a client waits for. */
const REPLY_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** s; one call of the store. */
const CALL_SECONDS = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5];
const BATCH_OPERATIONS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Every metric of a manager in addition to those of the process. Names and meanings are defined only here. */
export const METRICS = {
  requests: {
    name: 'mgm_requests_total',
    type: 'counter',
    help: 'requests replied to, by operation and by `ok` or the reason of the refusal; `overloaded`, `unavailable` and `indeterminate` need attention',
    labelNames: ['operation', 'result'],
  },
  requestSeconds: {
    name: 'mgm_request_seconds',
    type: 'histogram',
    help: 'from the arrival of a request to its reply; keepalives are delayed by up to 50 ms to share a batch',
    labelNames: ['operation'],
    buckets: REPLY_SECONDS,
  },
  dropped: {
    name: 'mgm_requests_dropped_total',
    type: 'counter',
    help: 'requests not executed because their reply subject is not printable ASCII, has wildcards or empty tokens, or begins with the prefix',
  },
  waiting: {
    name: 'mgm_requests_waiting',
    type: 'gauge',
    help: 'requests that arrived and have no reply yet; `MGM_QUEUE_MAX` bounds those that wait for the store',
  },
  batchOperations: {
    name: 'mgm_batch_operations',
    type: 'histogram',
    help: 'operations decided by one call of the arbiter script, sweeps and heads included',
    buckets: BATCH_OPERATIONS,
  },
  scriptSeconds: {
    name: 'mgm_script_seconds',
    type: 'histogram',
    help: 'one call of the arbiter script, from sending it to its reply; in mode `replicated` until replicas have it',
    buckets: CALL_SECONDS,
  },
  scriptFailures: {
    name: 'mgm_script_failures_total',
    type: 'counter',
    help: 'calls of the arbiter script without a reply; `unavailable`: not sent, `indeterminate`: it may or may not have run',
    labelNames: ['code'],
  },
  sweepSliceSeconds: {
    name: 'mgm_sweep_slice_seconds',
    type: 'histogram',
    help: 'one slice of a sweep, which releases a bounded number of interfaces',
    buckets: CALL_SECONDS,
  },
  sessionsEnded: {
    name: 'mgm_sweep_sessions_ended_total',
    type: 'counter',
    help: 'expired sessions that sweeps of this replica ended',
  },
  interfacesReleased: {
    name: 'mgm_sweep_interfaces_released_total',
    type: 'counter',
    help: 'interfaces that sweeps of this replica released',
  },
  takesHeldBack: {
    name: 'mgm_takes_held_back_total',
    type: 'counter',
    help: 'interfaces not granted during the hold-off after data loss; see `store-reset` in `mgm_events_total`',
  },
  events: {
    name: 'mgm_events_total',
    type: 'counter',
    help: 'changes of state that this replica decided and published, memberships `joined` and `left` included; `store-reset`: the store was found to have lost data',
    labelNames: ['type'],
  },
  callbacks: {
    name: 'mgm_callbacks_total',
    type: 'counter',
    help: 'callbacks published to sessions; an alert counts once per session, however many items it has',
  },
  questions: {
    name: 'mgm_questions_total',
    type: 'counter',
    help: 'questions to owners about the creation of forwarding entries; `unanswered`: not in time, also where the answer came later',
    labelNames: ['type', 'result'],
  },
  heads: {
    name: 'mgm_heads_total',
    type: 'counter',
    help: 'heads published; none for some seconds while sessions live means that watchers learn late of events they missed',
  },
  connected: {
    name: 'mgm_connected',
    type: 'gauge',
    help: '1 while the server can be used, else 0',
    labelNames: ['server'],
  },
  connectionLosses: {
    name: 'mgm_connection_losses_total',
    type: 'counter',
    help: 'how often the connection was lost',
    labelNames: ['server'],
  },
  info: {
    name: 'mgm_info',
    type: 'gauge',
    help: 'always 1; its labels describe this replica, its durability mode and its store',
    labelNames: ['replica', 'version', 'durability', 'store'],
  },
} as const satisfies Record<string, Definition>;

/** The metrics as a Markdown table: name, type, labels, meaning. */
export function metricsTable(): string {
  const rows = Object.values<Definition>(METRICS).map(({ name, type, labelNames = [], help }) => {
    const labels = labelNames.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${labels} | ${help} |`;
  });
  return ['| Metric | Type | Labels | Meaning |', '|---|---|---|---|', ...rows].join('\n');
}

/** Reasons of refusals for which the manager or its store is responsible, not the request. */
const FAILED: ReadonlySet<unknown> = new Set([
  'unavailable',
  'overloaded',
  'indeterminate',
  'store-full',
]);

/** Values that are read when the metrics are. */
export interface MetricsSource {
  /** Requests that arrived and have no reply yet. */
  readonly waiting: number;
  readonly isNatsReady: boolean;
  readonly isStoreReady: boolean;
  readonly info: Readonly<Record<(typeof METRICS.info.labelNames)[number], string>>;
}

/** The metrics of one replica. */
export class Metrics implements StoreMeter {
  readonly #registry = new Registry();
  readonly #requests = new Counter(this.#with(METRICS.requests));
  readonly #requestSeconds = new Histogram(this.#with(METRICS.requestSeconds));
  readonly dropped = new Counter(this.#with(METRICS.dropped));
  readonly #batchOperations = new Histogram(this.#with(METRICS.batchOperations));
  readonly #scriptSeconds = new Histogram(this.#with(METRICS.scriptSeconds));
  readonly #scriptFailures = new Counter(this.#with(METRICS.scriptFailures));
  readonly #sweepSliceSeconds = new Histogram(this.#with(METRICS.sweepSliceSeconds));
  readonly #sessionsEnded = new Counter(this.#with(METRICS.sessionsEnded));
  readonly #interfacesReleased = new Counter(this.#with(METRICS.interfacesReleased));
  readonly #takesHeldBack = new Counter(this.#with(METRICS.takesHeldBack));
  readonly #events = new Counter(this.#with(METRICS.events));
  readonly #callbacks = new Counter(this.#with(METRICS.callbacks));
  /** Labels: `type` of the question, and `result`: `answered`, `unanswered` or `no-subscriber`. */
  readonly questions = new Counter(this.#with(METRICS.questions));
  readonly heads = new Counter(this.#with(METRICS.heads));
  readonly #connectionLosses = new Counter(this.#with(METRICS.connectionLosses));

  constructor() {
    for (const operation of OPERATIONS) this.#requestSeconds.zero({ operation });
    for (const server of ['nats', 'redis']) this.#connectionLosses.inc({ server }, 0);
  }

  /** Adds the metrics of the process and those read from `source`. Call it once, where metrics are served. */
  serveFrom(source: () => MetricsSource): void {
    collectDefaultMetrics({ register: this.#registry });
    void new Gauge({
      ...this.#with(METRICS.waiting),
      collect() {
        this.set(source().waiting);
      },
    });
    void new Gauge({
      ...this.#with(METRICS.connected),
      collect() {
        const { isNatsReady, isStoreReady } = source();
        this.set({ server: 'nats' }, Number(isNatsReady));
        this.set({ server: 'redis' }, Number(isStoreReady));
      },
    });
    void new Gauge({
      ...this.#with(METRICS.info),
      collect() {
        this.reset();
        this.set(source().info, 1);
      },
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All metrics in the text format of Prometheus. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** @param result `ok`, or the reason of a refusal */
  replied(operation: OperationName, result: string, tookMs: number): void {
    this.#requests.inc({ operation, result });
    this.#requestSeconds.observe({ operation }, tookMs / 1000);
  }

  called(tookMs: number, failure?: string): void {
    if (failure === undefined) this.#scriptSeconds.observe(tookMs / 1000);
    else this.#scriptFailures.inc({ code: failure });
  }

  decided(operations: number): void {
    this.#batchOperations.observe(operations);
  }

  heldBack(interfaces: number): void {
    this.#takesHeldBack.inc(interfaces);
  }

  swept({ ended, released }: SweepReport, tookMs: number): void {
    this.#sweepSliceSeconds.observe(tookMs / 1000);
    this.#sessionsEnded.inc(ended);
    this.#interfacesReleased.inc(released);
  }

  published({ runs, callbacks, losses, memberRuns, alerts }: Publication): void {
    for (const { type, interfaces } of runs) this.#events.inc({ type }, interfaces.length || 1);
    for (const { type, items } of memberRuns) this.#events.inc({ type }, items.split(',').length);
    const lost = losses.reduce((sum, one) => sum + one.interfaces.length, callbacks.length);
    this.#callbacks.inc(alerts.reduce((sum, one) => sum + one.recipients.length, lost));
  }

  lost(server: 'nats' | 'redis'): void {
    this.#connectionLosses.inc({ server });
  }

  /** Totals of one operation: replies, those of them that failed, and the mean time of a reply in ms. */
  async totals(
    operation: OperationName,
  ): Promise<{ replied: number; failed: number; meanMs: number }> {
    const [requests, seconds] = await Promise.all([
      this.#requests.get(),
      this.#requestSeconds.get(),
    ]);
    const failed = requests.values
      .filter(({ labels }) => labels.operation === operation && FAILED.has(labels.result))
      .reduce((sum, { value }) => sum + value, 0);
    const part = (suffix: string): number =>
      seconds.values.find(
        ({ labels, metricName }) =>
          labels.operation === operation && metricName === METRICS.requestSeconds.name + suffix,
      )?.value ?? 0;
    const replied = part('_count');
    return { replied, failed, meanMs: replied > 0 ? (part('_sum') * 1000) / replied : 0 };
  }

  #with<Settings extends Definition>({ type: _, ...settings }: Settings) {
    return { ...settings, registers: [this.#registry] };
  }
}
