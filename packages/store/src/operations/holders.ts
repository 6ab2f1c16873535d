import { refusal, type Epoch, type Holder, type IgmpHold, type RefusalFields } from '@mgm/protocol';
import type { Holder as ScriptHolder } from '../generated/arbiter.ts';

/** A holder as replies carry it: fields that do not apply are absent. */
export function wireHolder({ graceLeft, igmp, ...holder }: ScriptHolder): Holder {
  return {
    ...holder,
    ...(holder.stale && { graceLeftMs: graceLeft }),
    ...(igmp && { igmp: igmp satisfies IgmpHold }),
  };
}

/** A holder in an error message: `PIM-SM on r1 (protocol 103, component 1, session 17)`. */
export function describeHolder({
  name,
  protocolId,
  componentId,
  session,
}: Pick<ScriptHolder, 'name' | 'protocolId' | 'componentId' | 'session'>): string {
  return `${name || 'a client'} (protocol ${protocolId}, component ${componentId}, session ${session})`;
}

/** The session does not hold the interface: another one does. */
export function ownedByAnother(holder: ScriptHolder): RefusalFields {
  return refusal('notOwner', `owned by ${describeHolder(holder)}`, { holder: wireHolder(holder) });
}

/** The interface is held under another epoch than that of the request. */
export function otherEpoch(current: Epoch): RefusalFields {
  return refusal('notOwner', `the epoch in force is ${current}`, { current });
}
