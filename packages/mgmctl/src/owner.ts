import type { InterfaceKey } from '@mgm/client';
import type { Command } from './command.ts';
import { ExitCode } from './exit-code.ts';
import { clientText, holdText, instantText, interfaceText } from './words.ts';

/** Tells who is on one interface. Fails as `not-found` where nobody is. */
export const owner: Command<InterfaceKey> = async ({ mgm, out, signal }, key) => {
  const holder = await mgm.getProtocolOnInterface(key, { signal });
  if (out.json) {
    out.object({ ...key, ...holder });
    return ExitCode.ok;
  }
  const { session, epoch, since, stale, igmp } = holder;
  const state = holdText(holder);
  out.fields({
    interface: interfaceText(key),
    owner: out.colors.bold(clientText(holder)),
    session: String(session),
    epoch,
    since: `${instantText(since)} UTC`,
    state: stale ? out.colors.red(state) : state,
    igmp: igmp && `${clientText(igmp)}, session ${igmp.session}, epoch ${igmp.epoch}`,
  });
  return ExitCode.ok;
};
