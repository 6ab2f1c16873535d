import type { Mgm } from '@mgm/client';

/** A question that costs next to nothing. Rejects with `MgmError` where no manager answers in time. */
export async function probe(mgm: Mgm, signal: AbortSignal): Promise<void> {
  for await (const _ of mgm.sessions({ limit: 1, signal })) return;
}
