import { setTimeout as delay } from 'node:timers/promises';
import { isMgmError, type AgentItem, type Mgm } from '@mgm/client';
import { counted } from '@mgm/protocol';
import { ExitCode } from '../exit-code.ts';
import type { Finding } from './checks.ts';

const PAGE_ITEMS = 1_000;
/** A push on its way is no lag: an agent reports what it programmed with its next keepalive. */
const BEHIND_FOR_MS = 1_000;
const WHAT = 'agents';

/** What the check reads. */
export type AgentReader = Pick<Mgm, 'agentPages' | 'mfes'>;

/** Checks the forwarder agents: whether there are any, how far they are behind, and what they could not program. */
export async function checkAgents(mgm: AgentReader, signal: AbortSignal): Promise<Finding[]> {
  try {
    const before = await read(mgm, signal);
    if (before.agents.length === 0) return (await hasEntries(mgm, signal)) ? [noAgents()] : [];
    const isBehind = before.agents.some(({ frev }) => frev < before.frev);
    // An abort ends the request below, too.
    if (isBehind) await delay(BEHIND_FOR_MS, undefined, { signal }).catch(() => {});
    const after = isBehind ? await read(mgm, signal) : before;
    return after.agents.map((agent) => findingOf(agent, before.frev));
  } catch (error) {
    // A manager of before forwarding entries has no agents; a missing permission is one for operators to decide.
    if (isMgmError(error, 'not-supported') || isMgmError(error, 'not-permitted')) return [];
    throw error;
  }
}

interface Read {
  readonly agents: readonly AgentItem[];
  readonly frev: number;
}

async function read(mgm: AgentReader, signal: AbortSignal): Promise<Read> {
  const agents: AgentItem[] = [];
  let frev = 0;
  for await (const page of mgm.agentPages({ limit: PAGE_ITEMS, signal })) {
    agents.push(...page.agents);
    ({ frev } = page);
  }
  return { agents, frev };
}

async function hasEntries(mgm: AgentReader, signal: AbortSignal): Promise<boolean> {
  const first = await mgm.mfes({ limit: 1, signal }).next();
  return first.done !== true;
}

function noAgents(): Finding {
  const detail = 'there are forwarding entries, and no agent that reports to have programmed them';
  const mend = 'start a forwarder agent, or let it send frev in its keepalives';
  return { what: WHAT, state: 'note', detail, mend };
}

function findingOf({ name, session, frev, failed }: AgentItem, head: number): Finding {
  const who = `${name === '' ? 'an agent' : name}, session ${session}`;
  if (failed > 0) {
    return {
      what: WHAT,
      state: 'failed',
      exitCode: ExitCode.refused,
      detail: `${who}: ${failed === 1 ? '1 entry is' : `${failed} entries are`} not programmed`,
      mend: 'mgmctl mfe shows which and why',
    };
  }
  if (frev < head) {
    const detail = `${who}: behind by ${counted(head - frev, 'change')} for over a second`;
    return { what: WHAT, state: 'note', detail, mend: 'check its load and its log' };
  }
  return { what: WHAT, state: 'ok', detail: `${who}: programmed up to ${frev}` };
}
