import { MgmError, type SessionItem } from '@mgm/client';
import type { Command, Given } from './command.ts';
import type { ForceOptions } from './confirm.ts';
import { ExitCode } from './exit-code.ts';
import { declined } from './release.ts';
import { clientText, counted } from './words.ts';

/** Which session to end. */
export interface EvictOptions extends ForceOptions {
  readonly session: number;
}

/** Ends a session with everything it has. Fails as `not-found` where there is none with this number. */
export const evict: Command<EvictOptions> = async (given, options) => {
  const { mgm, out, signal } = given;
  const { session, actor, why } = options;
  const seen = options.confirm && (await find(given, session));
  if (seen && !(await options.confirm?.(question(seen)))) return declined(given);
  const released = await mgm.adminEvict({ session, actor, why }, { signal });
  if (out.json) out.object({ evicted: true, session, released, actor, why });
  else out.line(`evicted session ${session}: ${counted(released, 'interface')} released`);
  return ExitCode.ok;
};

/** @throws MgmError `not-found`, as the manager would: nothing is ended that nobody was asked about */
async function find({ mgm, signal }: Given, session: number): Promise<SessionItem> {
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
