import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { METRICS, type Distribution, type MetricEntry, type MetricSource } from './metric-list.ts';

/** What `/metrics` answers. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
}

/** The metrics of one replica and of its process, read from `source` whenever somebody asks. */
export function openMetrics(source: () => MetricSource): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const entry of METRICS) register(entry, registry, source);
  return { contentType: registry.contentType, text: () => registry.metrics() };
}

function register(entry: MetricEntry, registry: Registry, source: () => MetricSource): void {
  const { name, help, labels = [] } = entry;
  const settings = { name, help, labelNames: [...labels], registers: [registry] };
  if (entry.type === 'histogram') {
    void new ReadHistogram(settings, entry.scale, () => entry.read(source()));
    return;
  }
  const kind = { counter: Counter, gauge: Gauge }[entry.type];
  void new kind({
    ...settings,
    collect() {
      this.reset();
      for (const { labels: of = {}, value } of entry.read(source())) this.inc(of, value);
    },
  });
}

interface HistogramSettings {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: Registry[];
}

/**
 * A histogram whose values were counted elsewhere. Its own way of counting costs a third of a microsecond for each value, which
 * every request would pay.
 */
class ReadHistogram extends Histogram {
  readonly #settings: HistogramSettings;
  readonly #scale: number;
  readonly #read: () => readonly Distribution[];

  constructor(settings: HistogramSettings, scale: number, read: () => readonly Distribution[]) {
    super(settings);
    this.#settings = settings;
    this.#scale = scale;
    this.#read = read;
  }

  /** What the registry prints. */
  getForPromString() {
    const { name, help } = this.#settings;
    const values = this.#read().flatMap((one) => this.#valuesOf(name, one));
    return Promise.resolve({ name, help, type: 'histogram', values, aggregator: 'sum' });
  }

  #valuesOf(name: string, { labels = {}, tally }: Distribution) {
    const bounds = [...tally.bounds.map((bound) => bound * this.#scale), '+Inf'];
    const buckets = tally.upTo().map((value, at) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: bounds[at] ?? '' },
      value,
    }));
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: tally.sum * this.#scale },
      { metricName: `${name}_count`, labels, value: tally.count },
    ];
  }
}
