import type { Holder, InterfaceKey } from '@mgm/client';
import type { Command, Given } from './command.ts';
import type { ForceOptions } from './confirm.ts';
import { ExitCode } from './exit-code.ts';
import { clientText, instantText, interfaceText } from './words.ts';

/** Which interface to take away. */
export interface ReleaseOptions extends InterfaceKey, ForceOptions {}

/** Takes an interface away from whoever has it, who is told why. Fails as `not-found` where nobody has. */
export const release: Command<ReleaseOptions> = async (given, options) => {
  const { mgm, out, signal } = given;
  const { ifIndex, nextHop, actor, why } = options;
  const seen = options.confirm && (await mgm.getProtocolOnInterface(options, { signal }));
  if (seen && !(await options.confirm?.(question(options, seen)))) return declined(given);
  const previous = await mgm.adminRelease({ ifIndex, nextHop, actor, why }, { signal });
  if (out.json) out.object({ released: true, ifIndex, nextHop, previous, actor, why });
  else out.line(`released interface ${interfaceText(options)} from ${holderText(previous)}`);
  if (seen && previous.epoch !== seen.epoch) out.note('it had changed hands after the question');
  return ExitCode.ok;
};

function question(key: InterfaceKey, seen: Holder): string {
  return `Take interface ${interfaceText(key)} away from ${holderText(seen)}?`;
}

/** The person said no. */
export function declined({ out }: Given): ExitCode {
  out.note('nothing was changed');
  return ExitCode.refused;
}

function holderText(holder: Holder): string {
  const { session, epoch, since } = holder;
  const when = `since ${instantText(since)} UTC`;
  return `${clientText(holder)} (session ${session}, epoch ${epoch}, ${when})`;
}
