import type { Finding } from './check/evidence.ts';
import type { Incident } from './faults/schedule.ts';
import type { Settings } from './settings.ts';

export type Verdict = 'ok' | 'violated' | 'inconclusive';

/** The result of a run. */
export interface Report {
  readonly verdict: Verdict;
  readonly settings: Settings;
  readonly servers: string;
  readonly durability: string;
  readonly calls: number;
  readonly unknown: number;
  readonly changes: number;
  /** The number of injected faults by name. */
  readonly faults: Readonly<Record<string, number>>;
  /** Faults that are not available in this topology or on this machine, and why. */
  readonly notAvailable: Readonly<Record<string, string>>;
  readonly slowestRecoveryMs: number;
  readonly checkerMs: number;
  readonly findings: readonly Finding[];
  /** The folder of the histories, if they were kept. */
  readonly histories: string | undefined;
}

/** A violated check takes precedence over an undecided one. */
export function verdictOf(findings: readonly Finding[]): Verdict {
  if (findings.some(({ problems }) => problems.length > 0)) return 'violated';
  return findings.some(({ inconclusive }) => inconclusive !== undefined) ? 'inconclusive' : 'ok';
}

export function countFaults(incidents: readonly Incident[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { fault } of incidents) counts[fault] = (counts[fault] ?? 0) + 1;
  return counts;
}

/** Merges the findings of several routers into one for each check. */
export function merged(findings: readonly Finding[]): Finding[] {
  const checks = [...new Set(findings.map(({ check }) => check))];
  return checks.map((check) => {
    const all = findings.filter((one) => one.check === check);
    const open = all.flatMap(({ inconclusive }) => inconclusive ?? []);
    const [notPromised] = all.flatMap((one) => one.notPromised ?? []);
    return {
      check,
      checked: all.reduce((sum, one) => sum + one.checked, 0),
      problems: all.flatMap(({ problems }) => problems),
      ...(open.length > 0 && { inconclusive: open.join('; ') }),
      ...(notPromised !== undefined && { notPromised }),
    };
  });
}

/** The number of reported problems of one check; the first ones are the most useful. */
const REPORTED = 5;

/** The report as text. */
export function textOf(report: Report): string {
  const { settings, verdict, faults, findings, notAvailable, histories } = report;
  const { topology, seed, seconds } = settings;
  const incidents = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return [
    `${topology}, ${report.durability}, seed ${seed}, ${seconds} s; ${report.servers}`,
    `${report.calls} calls, ${report.unknown} with an unknown outcome; ${report.changes} changes`,
    `${incidents} faults: ${Object.entries(faults)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
    `slowest recovery ${report.slowestRecoveryMs} ms; checked in ${report.checkerMs} ms`,
    ...Object.entries(notAvailable).map(([name, why]) => `not available: ${name}: ${why}`),
    ...findings.map(linesOf),
    ...(histories === undefined ? [] : [`histories: ${histories}`]),
    verdict,
  ].join('\n');
}

/** A finding as text. */
export function linesOf({ check, checked, problems, inconclusive, notPromised }: Finding): string {
  const open = inconclusive === undefined ? 'held' : 'open';
  const outcome = problems.length > 0 ? 'VIOLATED' : notPromised === undefined ? open : 'left out';
  return [
    `${outcome}  ${check} (${checked} checked)`,
    ...[inconclusive, notPromised].flatMap((why) => (why === undefined ? [] : [`  ${why}`])),
    ...problems.slice(0, REPORTED).map((problem) => `  ${problem}`),
    ...(problems.length > REPORTED ? [`  and ${problems.length - REPORTED} more`] : []),
  ].join('\n');
}
