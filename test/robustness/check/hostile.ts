import type { Finding } from './evidence.ts';

/** The hostile requests of a run, by kind: the number of those sent, and of those that were executed. */
export interface HostileRequests {
  readonly sent: Readonly<Record<string, number>>;
  readonly executed: Readonly<Record<string, number>>;
}

/** No hostile request was executed, and no reply went to a foreign subject. */
export function checkHostile({ sent, executed }: HostileRequests): Finding {
  const problems = Object.entries(executed).map(
    ([kind, count]) => `${count} hostile requests had an effect: ${kind}`,
  );
  const checked = Object.values(sent).reduce((sum, count) => sum + count, 0);
  return { check: 'hostile requests', checked, problems };
}
