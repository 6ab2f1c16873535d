import { randomInt } from 'node:crypto';
import { ProtocolId, type Mgm, type Session } from '@mgm/client';
import type { Latencies } from './latencies.ts';

/** How much to ask for. */
export interface LoadOptions {
  readonly durationMs: number;
  readonly sessions: number;
  /** Interfaces that each session takes and releases at the same time. */
  readonly inFlight: number;
}

/** What was measured so far. */
export interface Measured {
  readonly take: Latencies;
  readonly release: Latencies;
  /** How long it ran, in ms. */
  elapsedMs: number;
}

/** Two runs at once shall not meet; below 2^31, so that what is added still fits. */
const RANDOM_BELOW = 2 ** 31;

/**
 * Takes and releases interfaces as fast as it is answered, until the time is over or the signal fires, and leaves nothing
 * behind. Rejects with `MgmError` at the first call that fails.
 */
export async function runLoad(
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
