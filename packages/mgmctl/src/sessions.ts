import type { SessionItem } from '@mgm/client';
import type { Command } from './command.ts';
import { ExitCode } from './exit-code.ts';
import type { Colors } from './output.ts';
import { clientText, sessionText } from './words.ts';

/** Which sessions to list. */
export interface SessionsOptions {
  readonly protocol?: number | undefined;
  readonly stale?: boolean | undefined;
}

const PAGE_ITEMS = 1_000;

/** The names of the columns. */
export const SESSION_HEAD = ['SESSION', 'CLIENT', 'STATE', 'INTERFACES'];

/** Lists the sessions that live or are stale, the oldest first. None is an answer, too. */
export const sessions: Command<SessionsOptions> = async ({ mgm, out, signal }, options) => {
  const rows: SessionItem[] = [];
  for await (const item of mgm.sessions({ limit: PAGE_ITEMS, signal })) {
    if (!isWanted(item, options)) continue;
    if (out.json) out.object(item);
    else rows.push(item);
  }
  if (out.json) return ExitCode.ok;
  if (rows.length === 0) out.note('there are no such sessions');
  else {
    const ordered = rows.toSorted((a, b) => a.session - b.session);
    out.table(
      SESSION_HEAD,
      ordered.map((item) => sessionCells(item, out.colors)),
    );
  }
  return ExitCode.ok;
};

function isWanted(item: SessionItem, { protocol, stale }: SessionsOptions): boolean {
  return (
    (protocol === undefined || item.protocolId === protocol) && (!stale || item.state === 'stale')
  );
}

/** A session as a row under {@link SESSION_HEAD}. */
export function sessionCells(item: SessionItem, colors: Colors): string[] {
  const paint = item.state === 'stale' ? colors.red : colors.green;
  return [
    String(item.session),
    clientText(item),
    paint(sessionText(item)),
    String(item.interfaces),
  ];
}
