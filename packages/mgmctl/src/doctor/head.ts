import { isMgmError, type HeadMessage, type Mgm } from '@mgm/client';
import { durationText } from '@mgm/protocol';
import type { Finding } from './checks.ts';

/** Managers publish a head every second for a router with live sessions; the rest is for busy machines. */
const HEAD_WITHIN_MS = 2_500;

/** Checks what the heads of the router announce: the schema of its data, and a hold-off after data loss. */
export async function checkHead(mgm: Mgm, signal: AbortSignal): Promise<Finding[]> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(HEAD_WITHIN_MS)]);
  try {
    const head = await nextHead(mgm, limit);
    return [schemaFinding(head), ...holdOffFindings(head)];
  } catch (error) {
    // A missing permission is a finding of its own.
    if (isMgmError(error, 'not-permitted')) return [];
    throw error;
  }
}

async function nextHead(mgm: Mgm, signal: AbortSignal): Promise<HeadMessage | undefined> {
  for await (const head of mgm.heads({ signal })) return head;
  return undefined;
}

/** Why a router's data has a schema above the lowest, and which managers refuse it. */
const NEEDED_FOR: Readonly<Record<number, string>> = {
  2: 'this router has no memberships and no routes',
  3: 'this router has memberships; managers of before memberships refuse it',
  4: 'this router has routes; managers of before forwarding refuse it',
};

function schemaFinding(head: HeadMessage | undefined): Finding {
  const what = 'router data';
  if (!head) {
    const detail = `schema not known: no head within ${durationText(HEAD_WITHIN_MS)}`;
    const mend = 'a router without sessions sends none: keep one open with mgmctl register';
    return { what, state: 'note', detail, mend };
  }
  const { schema } = head;
  if (schema === undefined) {
    const detail = 'schema not known: the manager that sent the head does not report it';
    return { what, state: 'note', detail, mend: 'replace the older managers' };
  }
  const needed = NEEDED_FOR[schema] ?? 'this mgmctl does not know what it is needed for';
  return { what, state: 'ok', detail: `schema ${schema}: ${needed}`, schema };
}

function holdOffFindings(head: HeadMessage | undefined): Finding[] {
  const { holdOffMs = 0 } = head ?? {};
  if (holdOffMs === 0) return [];
  const detail = `the store lost data: no new grants for ${durationText(holdOffMs)}`;
  const mend = 'wait, or end it with mgmctl holdoff end if no former owner can be active';
  return [{ what: 'hold-off', state: 'note', detail, mend }];
}
