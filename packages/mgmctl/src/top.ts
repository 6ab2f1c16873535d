import { setTimeout as delay } from 'node:timers/promises';
import { isMgmError } from '@mgm/client';
import type { EventMessage, Mgm, Replica, SessionItem, Sighting } from '@mgm/client';
import { createLogUpdate } from 'log-update';
import type { Command, Given } from './command.ts';
import { ExitCode } from './exit-code.ts';
import type { Io } from './io.ts';
import { probe } from './probe.ts';
import { topFrame } from './top-frame.ts';
import { TopModel } from './top-model.ts';
import { UsageError } from './usage-error.ts';

/** How to show it. */
export interface TopOptions {
  /** The terminal to paint on. */
  readonly screen: Io['screen'];
  /** How often to paint, in ms. */
  readonly every: number;
  /** After how many times to end; absent: never. */
  readonly count?: number | undefined;
}

/** Shows who is registered and what happens, painted over itself until it is interrupted. */
export const top: Command<TopOptions> = async (given, options) => {
  const model = new TopModel(performance.now());
  const over = new AbortController();
  const ending = AbortSignal.any([given.signal, over.signal]);
  const inside = { ...given, signal: ending };
  const sightings = given.mgm.watch({ signal: ending });
  await begin(inside, model, sightings);
  const following = follow(sightings, model);
  const painting = paintAgain(inside, model, options);
  try {
    await Promise.race([painting, following]);
  } finally {
    over.abort();
    await Promise.allSettled([painting, following]);
  }
  return ExitCode.ok;
};

/** Until there is something to paint. Rejects with `MgmError` where no manager answers. */
async function begin(
  { mgm, signal }: Given,
  model: TopModel,
  sightings: AsyncIterator<Sighting>,
): Promise<void> {
  await probe(mgm, signal);
  const first = await sightings.next();
  if (first.done) return;
  model.see(first.value, performance.now());
  model.remember(await lastChanges(mgm, model.view(0).rev, signal));
}

/** The changes up to this one; none where the log was compacted right now. */
async function lastChanges(mgm: Mgm, rev: number, signal: AbortSignal): Promise<EventMessage[]> {
  try {
    const { events } = await mgm.events(Math.max(0, rev - REMEMBERED), { signal });
    return events.filter((event) => event.rev <= rev);
  } catch (error) {
    if (isMgmError(error, 'compacted')) return [];
    throw error;
  }
}

/** How many changes from before are shown at first. */
const REMEMBERED = 20;

async function follow(sightings: AsyncIterable<Sighting>, model: TopModel): Promise<void> {
  for await (const sighting of sightings) model.see(sighting, performance.now());
}

async function paintAgain(given: Given, model: TopModel, options: TopOptions): Promise<void> {
  const { signal, mgm } = given;
  const painter = painterOf(given, options);
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

/** More than that nobody reads, and asking for them again and again is a burden. */
const SESSIONS_MAX = 1_000;

/** The sessions there are, `undefined` where nobody answers. */
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

/** Those that answer later are not shown. */
const REPLICAS_WITHIN_MS = 500;

/** Who serves; `undefined` where NATS does not let this user ask, or is away. */
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

interface Painter {
  paint(model: TopModel): void;
  /** Leaves the last state on the terminal. */
  done(): void;
}

function painterOf({ mgm, out }: Given, { screen }: TopOptions): Painter {
  if (out.json) {
    return { paint: (model) => out.object(numbersOf(model)), done: () => {} };
  }
  if (!screen) throw new UsageError('top paints on a terminal: add --json for another output');
  const update = createLogUpdate(screen);
  return {
    paint: (model) => {
      const { router, isConnected } = mgm;
      const { columns, rows } = screen;
      const view = model.view(performance.now());
      update(topFrame(view, { router, isConnected }, { columns, rows }, out.colors));
    },
    done: () => update.done(),
  };
}

/** What there is at this moment; the changes themselves are for `watch`. */
function numbersOf(model: TopModel): object {
  const { changes, ...numbers } = model.view(performance.now());
  return numbers;
}
