import { clockSupport, movableClock } from '../../faults/movable-clock.ts';
import type { Servers, ServersOptions } from './system.ts';

/** The same servers with a movable wall clock under Redis, where that is available. */
export interface StoreClock {
  readonly choice: ServersOptions['choice'];
  readonly moves: Pick<Servers, 'moveClock'>;
  readonly without: Servers['without'];
}

export async function storeClock(
  { choice }: ServersOptions,
  scope: AsyncDisposableStack,
): Promise<StoreClock> {
  const support = await clockSupport(choice);
  if (support.kind === 'unusable') {
    return { choice, moves: {}, without: { 'clock-step': support.why } };
  }
  const clock = scope.use(await movableClock(choice, support));
  return {
    choice: clock.choice,
    moves: { moveClock: (offsetS) => clock.jumpTo(offsetS) },
    without: {},
  };
}
