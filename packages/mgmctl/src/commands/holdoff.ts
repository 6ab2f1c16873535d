import { isMgmError } from '@mgm/client';
import { Argument, type Command } from 'commander';
import { durationText } from '@mgm/protocol';
import {
  adminOptions,
  declined,
  withAdminOptions,
  type AdminFlags,
  type AdminOptions,
} from '../admin-options.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode, NotFoundError } from '../exit-code.ts';

export function addHoldoff(program: Command, { io, connected }: Runner): void {
  withAdminOptions(program.command('holdoff'))
    .summary('end the hold-off after data loss')
    .description(
      'After the store lost data, managers grant no interface to a new owner until the longest lease has ended.\n' +
        '"end" ends that hold-off: do it only if no former owner can still be active.',
    )
    .addArgument(new Argument('<action>', 'what to do').choices(['end']))
    .addHelpText('after', examples('holdoff end --why "all workers were restarted"'))
    .action((_: string, flags: AdminFlags, command: Command) =>
      connected(command, (context) => endHoldoff(context, adminOptions(flags, io))),
    );
}

async function endHoldoff(
  context: Context,
  { confirm, actor, why }: AdminOptions,
): Promise<ExitCode> {
  const { mgm, out, signal } = context;
  const question = `End the hold-off of router ${mgm.router}? A former owner may still be active.`;
  if (confirm && !(await confirm(question))) return declined(context);
  const leftMs = await mgm.adminEndHoldoff({ actor, why }, { signal }).catch((error: unknown) => {
    if (!isMgmError(error, 'not-found')) throw error;
    throw new NotFoundError(`router ${mgm.router} has no hold-off`, {
      next: 'nothing was changed',
      cause: error,
    });
  });
  if (out.json) out.object({ ended: true, leftMs, actor, why });
  else out.line(`ended the hold-off, ${durationText(leftMs)} before its end`);
  return ExitCode.ok;
}
