import { setTimeout as delay } from 'node:timers/promises';
import { isMgmError } from '@mgm/client';
import type { EventMessage, Mgm, Replica, SessionItem, Sighting } from '@mgm/client';
import { Option, type Command } from 'commander';
import { count, duration } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { probe } from '../connection.ts';
import { ExitCode } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { printable } from '../output/terminal.ts';
import { topFrame, type FrameSize } from '../top/frame.ts';
import { TopModel } from '../top/model.ts';

interface TopOptions {
  /** The terminal to draw on; without one, frames are printed one after the other. */
  readonly screen: Io['screen'];
  /** The interval between frames, in ms. */
  readonly every: number;
  /** The number of frames; absent: unlimited. */
  readonly count?: number | undefined;
}

const EVERY_MS = 2_000;

export function addTop(program: Command, { io: { screen }, connected }: Runner): void {
  const every = new Option('--every <duration>', 'the interval between updates')
    .argParser(duration(100, 3_600_000))
    .default(EVERY_MS, '2s');
  program
    .command('top')
    .summary('show managers, sessions and changes, live')
    .description(
      'Shows managers, sessions and the last changes until Ctrl-C: updated in place, or one after the other without a terminal.',
    )
    .addOption(every)
    .option('--count <number>', 'end after this many updates', count)
    .addHelpText('after', examples('top', 'top --every 10s --json', 'top --count 1'))
    .action((options: Omit<TopOptions, 'screen'>, command: Command) =>
      connected(command, (context) => top(context, { ...options, screen })),
    );
}

async function top(context: Context, options: TopOptions): Promise<ExitCode> {
  const model = new TopModel(performance.now());
  const over = new AbortController();
  const ending = AbortSignal.any([context.signal, over.signal]);
  const inside = { ...context, signal: ending };
  const sightings = context.mgm.watch({ signal: ending });
  await begin(inside, model, sightings);
  const following = follow(sightings, model);
  const drawing = drawFrames(inside, model, options);
  try {
    await Promise.race([drawing, following]);
  } finally {
    over.abort();
    await Promise.allSettled([drawing, following]);
  }
  return ExitCode.ok;
}

/** Waits for the first snapshot. Rejects with `MgmError` if no manager answers. */
async function begin(
  { mgm, signal }: Context,
  model: TopModel,
  sightings: AsyncIterator<Sighting>,
): Promise<void> {
  await probe(mgm, signal);
  const first = await sightings.next();
  if (first.done) return;
  model.see(first.value, performance.now());
  model.remember(await lastChanges(mgm, model.view(0).rev, signal));
}

/** The last changes up to this revision; none if the log was just compacted. */
async function lastChanges(mgm: Mgm, rev: number, signal: AbortSignal): Promise<EventMessage[]> {
  try {
    const { events } = await mgm.events(Math.max(0, rev - REMEMBERED), { signal });
    return events.filter((event) => event.rev <= rev);
  } catch (error) {
    if (isMgmError(error, 'compacted')) return [];
    throw error;
  }
}

/** The number of earlier changes in the first frame. */
const REMEMBERED = 20;

async function follow(sightings: AsyncIterable<Sighting>, model: TopModel): Promise<void> {
  for await (const sighting of sightings) model.see(sighting, performance.now());
}

async function drawFrames(context: Context, model: TopModel, options: TopOptions): Promise<void> {
  const { signal, mgm } = context;
  const painter = await painterOf(context, options);
  for (let left = options.count ?? Infinity; left > 0; left--) {
    const [sessions, replicas] = await Promise.all([
      sessionsOf(mgm, signal),
      replicasOf(mgm, Math.min(options.every, REPLICAS_WITHIN_MS), signal),
    ]);
    if (signal.aborted) break;
    model.sessions = sessions;
    model.seeReplicas(replicas, performance.now());
    painter.paint(model);
    if (left > 1) await delay(options.every, undefined, { signal }).catch(() => {});
  }
  painter.done();
}

/** More sessions than this are not shown, which bounds the load of each frame. */
const SESSIONS_MAX = 1_000;

/** `undefined` if no manager answers. */
async function sessionsOf(mgm: Mgm, signal: AbortSignal): Promise<SessionItem[] | undefined> {
  const items: SessionItem[] = [];
  try {
    for await (const item of mgm.sessions({ limit: SESSIONS_MAX, signal })) {
      items.push(item);
      if (items.length >= SESSIONS_MAX) break;
    }
    return items;
  } catch (error) {
    if (isMgmError(error) && (error.retryable || signal.aborted)) return undefined;
    throw error;
  }
}

/** Replicas that answer later are not shown. */
const REPLICAS_WITHIN_MS = 500;

/** `undefined` if the NATS user lacks the permission or NATS is not reachable. */
async function replicasOf(
  mgm: Mgm,
  withinMs: number,
  signal: AbortSignal,
): Promise<Replica[] | undefined> {
  try {
    return await mgm.replicas({ withinMs, signal });
  } catch (error) {
    if (isMgmError(error)) return undefined;
    throw error;
  }
}

/** The size of a frame without a terminal. */
const PAPER: FrameSize = { columns: 132, rows: 60 };

interface Painter {
  paint(model: TopModel): void;
  /** Leaves the last frame on the terminal. */
  done(): void;
}

async function painterOf({ mgm, out }: Context, { screen }: TopOptions): Promise<Painter> {
  if (out.json) {
    return { paint: (model) => out.object(numbersOf(model)), done: () => {} };
  }
  const frameOf = (model: TopModel, size: FrameSize): string[] => {
    const { router, isConnected } = mgm;
    return topFrame(model.view(performance.now()), { router, isConnected }, size, out.colors);
  };
  if (!screen) {
    return {
      paint: (model) => {
        for (const line of [...frameOf(model, PAPER), '']) out.line(line);
      },
      done: () => {},
    };
  }
  // Loaded on demand: it would delay the start of every command.
  const { createLogUpdate } = await import('log-update');
  const update = createLogUpdate(screen);
  return {
    paint: (model) => update(frameOf(model, screen).map(printable).join('\n')),
    done: () => update.done(),
  };
}

/** The present state without the changes, which are for `watch`. */
function numbersOf(model: TopModel): object {
  const { changes, ...numbers } = model.view(performance.now());
  return numbers;
}
