import { eventually } from '@mgm/test-support';
import { FORWARDING_CHECKS, MEMBERSHIP_CHECKS } from './check/all.ts';
import { checkCallbacks } from './check/callbacks.ts';
import type { Evidence, Finding } from './check/evidence.ts';
import { checkLeftovers } from './check/leftovers.ts';
import { checkFinalState, checkWatchers } from './check/log.ts';
import type { EvidenceReader } from './evidence-reader.ts';
import { keysOf } from './router-keys.ts';
import type { World } from './world.ts';

/** What must hold whenever all workers rest. */
const QUIESCENT_CHECKS = [...MEMBERSHIP_CHECKS, ...FORWARDING_CHECKS];
/** Pending calls end within their deadline, lost sessions within lease and grace. */
const RESTING_WITHIN_MS = 30_000;
const SETTLED_WITHIN_MS = 30_000;

/** Lets all workers rest, waits until the state is stable, and collects the evidence of each router. */
export async function gather(
  world: World,
  readers: readonly EvidenceReader[],
): Promise<Evidence[]> {
  await rest(world);
  const found: Evidence[] = [];
  for (const reader of readers) {
    // A copy: later entries and events, when all workers leave, are not checked.
    found.push(structuredClone(await stableEvidence(reader, refuseUnsettled)));
  }
  return found;
}

/**
 * Lets all workers rest after a fault, checks the invariants of memberships and forwarding entries, and lets the workers act
 * again. Resolves to the findings: what does not hold within 30 s is a problem.
 */
export async function checkQuiescent(
  world: World,
  readers: readonly EvidenceReader[],
  after: string,
): Promise<Finding[]> {
  await rest(world);
  const findings: Finding[] = [];
  for (const reader of readers) {
    const evidence = await stableEvidence(reader, (_, seen) => refuseProblems(seen, []));
    findings.push(...QUIESCENT_CHECKS.map((check) => labelled(check(evidence), after)));
  }
  for (const worker of world.workers) worker.act();
  return findings;
}

function labelled(finding: Finding, after: string): Finding {
  const problems = finding.problems.map((problem) => `after ${after}: ${problem}`);
  return { ...finding, check: `quiescent: ${finding.check}`, problems };
}

async function rest({ workers }: World): Promise<void> {
  await Promise.all(workers.map((worker) => worker.rest(RESTING_WITHIN_MS)));
}

/** The evidence once nothing is refused, or the last one that was read: the checks report what is not stable by then. */
async function stableEvidence(
  reader: EvidenceReader,
  refuse: (reader: EvidenceReader, evidence: Evidence) => void | Promise<void>,
): Promise<Evidence> {
  let last: Evidence | undefined;
  const settled = async (): Promise<void> => {
    last = await reader.read();
    await refuse(reader, last);
  };
  await eventually(settled, { withinMs: SETTLED_WITHIN_MS, everyMs: 250 }).catch(
    (error: unknown) => {
      if (!last) throw error;
    },
  );
  if (!last) throw new Error('no evidence was read');
  return last;
}

/** Throws until abandoned sessions have expired, their interfaces are free, and all callbacks were handled. */
async function refuseUnsettled({ mgm }: EvidenceReader, evidence: Evidence): Promise<void> {
  const sessions = await Array.fromAsync(mgm.sessions());
  const strangers = sessions.filter(({ session }) => !evidence.resting.includes(session));
  if (strangers.length > 0) throw new Error(`sessions not ended: ${JSON.stringify(strangers)}`);
  refuseProblems(evidence, [checkWatchers, checkFinalState, checkCallbacks]);
}

/** Throws while one of these checks, or of those that must hold at rest, finds a problem. */
function refuseProblems(
  evidence: Evidence,
  checks: readonly ((evidence: Evidence) => Finding)[],
): void {
  const findings = [...checks, ...QUIESCENT_CHECKS].map((check) => check(evidence));
  const [problem] = findings.flatMap(({ problems }) => problems);
  if (problem !== undefined) throw new Error(problem);
}

/** Lets all workers leave and checks the remaining keys of each router. */
export async function leftoversOf(world: World): Promise<Finding[]> {
  await Promise.all(world.workers.map((worker) => worker.leave(RESTING_WITHIN_MS)));
  const findings: Finding[] = [];
  for (const router of world.servers.routers) {
    let finding = checkLeftovers(router, []);
    const look = async (): Promise<void> => {
      finding = checkLeftovers(router, await keysOf(world.servers, router));
      if (finding.problems.length > 0) throw new Error(finding.problems.join(', '));
    };
    // The finding lists the keys that remain after this time.
    await eventually(look, { withinMs: 10_000, everyMs: 250 }).catch(() => {});
    findings.push(finding);
  }
  return findings;
}
