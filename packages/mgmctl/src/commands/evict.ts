import { MgmError, type SessionItem } from '@mgm/client';
import type { Command } from 'commander';
import { clientText, counted } from '@mgm/protocol';
import {
  adminOptions,
  declined,
  withAdminOptions,
  type AdminFlags,
  type AdminOptions,
} from '../admin-options.ts';
import { session as sessionNumber } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode } from '../exit-code.ts';

export function addEvict(program: Command, { io, connected }: Runner): void {
  withAdminOptions(program.command('evict'), 'for the log and for the former owner')
    .summary('end a session and release its interfaces')
    .description('Ends a session immediately and releases its interfaces.')
    .argument('<session>', 'the number of the session, as mgmctl sessions shows it', sessionNumber)
    .addHelpText('after', examples('evict 1795360064929550 --why "the process hangs" --yes'))
    .action((session: number, flags: AdminFlags, command: Command) =>
      connected(command, (context) => evict(context, session, adminOptions(flags, io))),
    );
}

/** Rejects as `not-found` if the session does not exist. */
async function evict(
  context: Context,
  session: number,
  { confirm, actor, why }: AdminOptions,
): Promise<ExitCode> {
  const { mgm, out, signal } = context;
  const seen = confirm && (await find(context, session));
  if (seen && !(await confirm?.(question(seen)))) return declined(context);
  const released = await mgm.adminEvict({ session, actor, why }, { signal });
  if (out.json) out.object({ evicted: true, session, released, actor, why });
  else out.line(`evicted session ${session}: ${counted(released, 'interface')} released`);
  return ExitCode.ok;
}

/** @throws MgmError `not-found`, as a manager would answer: there is nothing to ask about */
async function find({ mgm, signal }: Context, session: number): Promise<SessionItem> {
  for await (const item of mgm.sessions({ limit: 1_000, signal })) {
    if (item.session === session) return item;
  }
  throw new MgmError(`no session ${session}`, {
    reason: 'not-found',
    outcome: 'not-done',
    status: NOT_FOUND,
  });
}

/** ERROR_NOT_FOUND. */
const NOT_FOUND = 1168;

function question(item: SessionItem): string {
  const { session, interfaces } = item;
  return `End session ${session} of ${clientText(item)} with ${counted(interfaces, 'interface')}?`;
}
