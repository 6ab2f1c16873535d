import type { InterfaceKey } from '@mgm/client';
import type { Command } from 'commander';
import { clientText, instantText, interfaceText } from '@mgm/protocol';
import {
  examples,
  keyOf,
  withInterface,
  type Context,
  type OnInterface,
  type Runner,
} from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import { holdText } from '../output/text.ts';

export function addOwner(program: Command, { connected }: Runner): void {
  withInterface(program.command('owner'))
    .summary('show the owner of an interface')
    .description('Shows the owner of an interface. Exit code 4 if it has none.')
    .addHelpText('after', examples('owner 7', 'owner 7 10.0.0.1 --json'))
    .action((...[index, hop, , command]: OnInterface) =>
      connected(command, (context) => owner(context, keyOf(index, hop))),
    );
}

/** Rejects as `not-found` if the interface has no owner. */
async function owner({ mgm, out, signal }: Context, key: InterfaceKey): Promise<ExitCode> {
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
}
