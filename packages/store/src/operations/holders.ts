import type { Holder, IgmpHold } from '@mgm/protocol';
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
