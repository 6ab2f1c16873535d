import { randomInt } from 'node:crypto';
import { ProtocolId, type Mgm, type Session } from '@mgm/client';
import { Option, type Command } from 'commander';
import { duration, integer } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode, UsageError } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { Latencies } from '../output/latencies.ts';
import type { Output } from '../output/output.ts';

/** The load. */
export interface LoadOptions {
  readonly durationMs: number;
  readonly sessions: number;
  /** Interfaces that each session takes and releases concurrently. */
  readonly inFlight: number;
}

/** The measurements so far. */
interface Measured {
  readonly take: Latencies;
  readonly release: Latencies;
  elapsedMs: number;
}

interface BenchOptions extends LoadOptions {
  /** The terminal for the progress bar. */
  readonly screen: Io['screen'];
}

/** The command puts load only on routers whose names begin like this. */
const ROUTERS = 'bench-';
/** Always the same router, so that repeated runs do not leave more and more logs in the store. */
const BENCH_ROUTER = `${ROUTERS}mgmctl`;

const BENCH_MS = 5_000;
const BENCH_MS_MAX = 60_000;

interface BenchFlags {
  readonly duration: number;
  readonly sessions: number;
  readonly inFlight: number;
}

export function addBench(program: Command, { io, connected }: Runner): void {
  const lasting = new Option('--duration <duration>', 'how long to run')
    .argParser(duration(100, BENCH_MS_MAX))
    .default(BENCH_MS, '5s');
  program
    .command('bench')
    .summary('measure how fast interfaces are taken and released')
    .description(
      `Takes and releases interfaces as fast as the managers answer, on a router of its own: ${BENCH_ROUTER}\n` +
        'unless --router names another bench-…; MGM_ROUTER has no effect. Other routers share the managers with it.',
    )
    .addOption(lasting)
    .option('--sessions <number>', 'number of sessions, 1 to 64', integer(1, 64), 4)
    .option(
      '--in-flight <number>',
      'interfaces in flight in each, 1 to 1024',
      integer(1, 1_024),
      16,
    )
    .addHelpText('after', EXAMPLES)
    .action(({ duration: durationMs, ...load }: BenchFlags, command: Command) =>
      connected(
        command,
        (context) => bench(context, { ...load, durationMs, screen: io.screen }),
        BENCH_ROUTER,
      ),
    );
}

const EXAMPLES = examples('bench', 'bench --duration 10s --sessions 1 --in-flight 1').replaceAll(
  '--router r1 ',
  '',
);

async function bench({ mgm, out, signal }: Context, options: BenchOptions): Promise<ExitCode> {
  if (!mgm.router.startsWith(ROUTERS)) {
    throw new UsageError(`router ${mgm.router}: bench puts load on routers ${ROUTERS}… only`);
  }
  const measured = { take: new Latencies(), release: new Latencies(), elapsedMs: 0 };
  const endProgress = await showProgress(measured, options, out);
  try {
    await runLoad(mgm, options, measured, signal);
  } finally {
    endProgress();
  }
  if (out.json) out.object(result(measured, options));
  else showResult(measured, options, out);
  return ExitCode.ok;
}

/** A random start keeps concurrent runs apart; below 2^31, so that the sum fits into a u32. */
const RANDOM_BELOW = 2 ** 31;

/** Runs until the time is over or the signal aborts, then deregisters. Rejects with the first call that fails. */
async function runLoad(
  mgm: Mgm,
  options: LoadOptions,
  measured: Measured,
  signal: AbortSignal,
): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const base = randomInt(1, RANDOM_BELOW);
  const sessions: Session[] = [];
  for (let at = 0; at < options.sessions; at++) {
    sessions.push(opened.use(await open(mgm, base + at)));
  }
  const beganMono = performance.now();
  const isOver = (): boolean => {
    measured.elapsedMs = performance.now() - beganMono;
    return signal.aborted || measured.elapsedMs >= options.durationMs;
  };
  const loops = sessions.flatMap((session, at) =>
    Array.from({ length: options.inFlight }, async (_, lane) => {
      const ifIndex = base + at * options.inFlight + lane;
      while (!isOver()) await takeAndRelease(session, ifIndex, measured);
    }),
  );
  await Promise.all(loops);
}

async function open(mgm: Mgm, componentId: number): Promise<Session> {
  return await mgm.registerProtocol({
    protocolId: ProtocolId.PIM,
    componentId,
    name: 'mgmctl bench',
  });
}

async function takeAndRelease(session: Session, ifIndex: number, measured: Measured) {
  const takenMono = performance.now();
  const ownership = await session.takeInterfaceOwnership({ ifIndex });
  const heldMono = performance.now();
  await ownership.release();
  measured.take.add(heldMono - takenMono);
  measured.release.add(performance.now() - heldMono);
}

const PROGRESS_EVERY_MS = 200;
const BAR_WIDTH = 40;

/** Draws a progress bar on a terminal. Returns a function that removes it. */
async function showProgress(
  measured: Measured,
  { screen, durationMs }: BenchOptions,
  out: Output,
): Promise<() => void> {
  if (!screen || out.json) return () => {};
  // Loaded on demand: it would delay the start of every command.
  const { createLogUpdate } = await import('log-update');
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

/** The result for people: rate, quantiles and histogram. */
export function showResult(
  measured: Measured,
  options: Omit<LoadOptions, 'durationMs'>,
  out: Output,
): void {
  const { take, release, elapsedMs } = measured;
  const operations = take.count + release.count;
  const seconds = (elapsedMs / 1_000).toFixed(1);
  const asked = `${options.sessions} sessions, ${options.inFlight} in flight in each`;
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

/** The histogram of the takes. */
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
