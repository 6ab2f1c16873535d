import type { Holder, InterfaceKey } from '@mgm/client';
import type { Command } from 'commander';
import { clientText, instantText, interfaceText } from '@mgm/protocol';
import {
  adminOptions,
  declined,
  withAdminOptions,
  type AdminFlags,
  type AdminOptions,
} from '../admin-options.ts';
import {
  examples,
  keyOf,
  withInterface,
  type Context,
  type OnInterface,
  type Runner,
} from '../command.ts';
import { ExitCode } from '../exit-code.ts';

export function addRelease(program: Command, { io, connected }: Runner): void {
  withAdminOptions(
    withInterface(program.command('release')),
    'for the log and for the former owner',
  )
    .summary('take an interface away from its owner')
    .description(
      'Takes an interface away from its owner, unless the owner changes in the meantime.\n' +
        'The former owner is notified of the reason.',
    )
    .addHelpText('after', examples('release 7 --why "moved to the standby"'))
    .action((...[index, hop, flags, command]: OnInterface<AdminFlags>) =>
      connected(command, (context) => release(context, keyOf(index, hop), adminOptions(flags, io))),
    );
}

/** Rejects as `not-found` if the interface has no owner, and as `not-owner` if the owner changes in the meantime. */
async function release(
  context: Context,
  key: InterfaceKey,
  { confirm, actor, why }: AdminOptions,
): Promise<ExitCode> {
  const { mgm, out, signal } = context;
  const { ifIndex, nextHop } = key;
  const seen = await mgm.getProtocolOnInterface(key, { signal });
  if (confirm && !(await confirm(question(key, seen)))) return declined(context);
  // Without the epoch a request that is executed late could hit the next owner.
  const target = { ifIndex, nextHop, epoch: seen.epoch, actor, why };
  const previous = await mgm.adminRelease(target, { signal });
  if (out.json) out.object({ released: true, ifIndex, nextHop, previous, actor, why });
  else out.line(`released interface ${interfaceText(key)} from ${holderText(previous)}`);
  return ExitCode.ok;
}

function question(key: InterfaceKey, seen: Holder): string {
  return `Take interface ${interfaceText(key)} away from ${holderText(seen)}?`;
}

function holderText(holder: Holder): string {
  const { session, epoch, since } = holder;
  const when = `since ${instantText(since)} UTC`;
  return `${clientText(holder)} (session ${session}, epoch ${epoch}, ${when})`;
}
