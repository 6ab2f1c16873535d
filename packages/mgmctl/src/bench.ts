import { createLogUpdate } from 'log-update';
import { runLoad, type LoadOptions, type Measured } from './bench-load.ts';
import type { Command } from './command.ts';
import { ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';
import { Latencies } from './latencies.ts';
import type { Output } from './output.ts';
import { UsageError } from './usage-error.ts';

/** How much to ask for, and where to show how far it is. */
export interface BenchOptions extends LoadOptions {
  readonly screen: Io['screen'];
}

/** What the names of the only routers begin with that this puts load on. */
const ROUTERS = 'bench-';
/** Its own, always the same: what it leaves in a store, a log of bounded length, does not grow with each run. */
export const BENCH_ROUTER = `${ROUTERS}mgmctl`;

/** Measures how many interfaces are taken and released, and how long an answer takes. */
export const bench: Command<BenchOptions> = async ({ mgm, out, signal }, options) => {
  if (!mgm.router.startsWith(ROUTERS)) {
    throw new UsageError(`router ${mgm.router}: bench puts load on routers ${ROUTERS}… only`);
  }
  const measured = { take: new Latencies(), release: new Latencies(), elapsedMs: 0 };
  const endProgress = showProgress(measured, options, out);
  try {
    await runLoad(mgm, options, measured, signal);
  } finally {
    endProgress();
  }
  if (out.json) out.object(result(measured, options));
  else showResult(measured, options, out);
  return ExitCode.ok;
};

const PROGRESS_EVERY_MS = 200;
const BAR_WIDTH = 40;

/** Paints a bar over itself, on a terminal. Returns what takes it away again. */
function showProgress(
  measured: Measured,
  { screen, durationMs }: BenchOptions,
  out: Output,
): () => void {
  if (!screen || out.json) return () => {};
  const update = createLogUpdate(screen);
  const timer = setInterval(() => {
    const part = Math.min(1, measured.elapsedMs / durationMs);
    const perSecond = Math.round(rateOf(measured));
    update(`${bar(part, BAR_WIDTH).padEnd(BAR_WIDTH, '·')}  ${perSecond} operations/s`);
  }, PROGRESS_EVERY_MS);
  return () => {
    clearInterval(timer);
    update.clear();
    update.done();
  };
}

function bar(part: number, width: number): string {
  return '█'.repeat(Math.round(part * width));
}

function rateOf({ take, release, elapsedMs }: Measured): number {
  return elapsedMs === 0 ? 0 : ((take.count + release.count) / elapsedMs) * 1_000;
}

function result(measured: Measured, { sessions, inFlight }: BenchOptions): object {
  const { take, release, elapsedMs } = measured;
  const operations = take.count + release.count;
  const perSecond = Math.round(rateOf(measured));
  return {
    ...{ operations, elapsedMs: Math.round(elapsedMs), perSecond, sessions, inFlight },
    take: spreadOf(take),
    release: spreadOf(release),
  };
}

function spreadOf(latencies: Latencies): object {
  const ms = (part: number): number => Number(latencies.quantile(part).toFixed(3));
  const buckets = latencies.buckets();
  return { p50Ms: ms(0.5), p90Ms: ms(0.9), p99Ms: ms(0.99), longestMs: ms(1), buckets };
}

/** The result for people: how many, how long they took, and how that is spread. */
export function showResult(
  measured: Measured,
  options: Omit<LoadOptions, 'durationMs'>,
  out: Output,
): void {
  const { take, release, elapsedMs } = measured;
  const operations = take.count + release.count;
  const seconds = (elapsedMs / 1_000).toFixed(1);
  const asked = `${options.sessions} sessions, ${options.inFlight} under way in each`;
  out.line(
    `${operations} operations in ${seconds} s: ${Math.round(rateOf(measured))} per second (${asked})`,
  );
  out.line('');
  const row = (name: string, latencies: Latencies): string[] => [
    name,
    ...[0.5, 0.9, 0.99, 1].map((part) => `${latencies.quantile(part).toFixed(2)} ms`),
  ];
  out.table(['', 'P50', 'P90', 'P99', 'LONGEST'], [row('take', take), row('release', release)]);
  out.line('');
  showBuckets(take, out);
}

/** How the takes are spread, a line for each time that is twice the one before. */
function showBuckets(take: Latencies, out: Output): void {
  const buckets = take.buckets();
  const most = Math.max(1, ...buckets.map(({ count }) => count));
  const rows = buckets.map(({ upToMs, count }) => [
    `to ${upToMs} ms`,
    String(count),
    out.colors.green(bar(count / most, BAR_WIDTH)),
  ]);
  if (rows.length > 0) out.table(['TAKES', 'COUNT', ''], rows);
}
