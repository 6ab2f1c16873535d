import type { OperatorEvent } from '@mgm/client';
import type { Command } from 'commander';
import { clientText, instantText, interfaceText, settingParts } from '@mgm/protocol';
import { revision } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import type { Colors } from '../output/terminal.ts';
import { entryText } from '../output/text.ts';

const PAGE_ITEMS = 1_000;

export function addAudit(program: Command, { connected }: Runner): void {
  program
    .command('audit')
    .summary('show the actions of operators')
    .description(
      'Shows the actions of operators, and their refused attempts, from a log of their own.',
    )
    .option('--from <number>', 'begin with the actions after this number', revision)
    .addHelpText('after', examples('audit', 'audit --from 12 --json'))
    .action(({ from }: { readonly from?: number }, command: Command) =>
      connected(command, (context) => audit(context, from)),
    );
}

/** An empty log is no failure. */
async function audit({ mgm, out, signal }: Context, from = 0): Promise<ExitCode> {
  let shown = 0;
  for (let known = from; ;) {
    const { events, head, first } = await mgm.adminEvents(known, { limit: PAGE_ITEMS, signal });
    if (known === from && first > from + 1) out.note(`the log begins with number ${first}`);
    for (const event of events) {
      if (out.json) out.object(event);
      else out.line(operatorLine(event, out.colors));
    }
    shown += events.length;
    known = events.at(-1)?.number ?? head;
    if (known >= head) break;
  }
  if (shown === 0) out.note(`no action of an operator in the log of router ${mgm.router}`);
  return ExitCode.ok;
}

/** The length of the longest type, so that columns align. */
const TYPE_WIDTH = 13;

/** An action as one line: time, number, type, target, operator, reason. */
function operatorLine(event: OperatorEvent, colors: Colors): string {
  const { ts, number, type, operation, reason, rev, actor, why, caller } = event;
  const paint = type === 'refused' ? colors.red : colors.yellow;
  return [
    colors.dim(`${instantText(ts)}  no ${number}`),
    paint(type.padEnd(TYPE_WIDTH)),
    ...(type === 'refused' ? [`${operation}: ${reason ?? 'unknown reason'}`] : [`rev ${rev}`]),
    ...targetParts(event),
    `by ${actor}${caller === undefined ? '' : ` as ${caller}`}`,
    `(${why})`,
  ].join('  ');
}

function targetParts(event: OperatorEvent): string[] {
  const { ifIndex, nextHop, protocolId, componentId, session, epoch, group, source } = event;
  return [
    ...(ifIndex === undefined ? [] : [interfaceText({ ifIndex, nextHop })]),
    ...(protocolId === undefined || componentId === undefined
      ? []
      : [clientText({ protocolId, componentId })]),
    ...(session === undefined ? [] : [`session ${session}`]),
    ...(epoch === undefined ? [] : [`epoch ${epoch}`]),
    ...(group === undefined ? [] : [entryText(group, source ?? '')]),
    ...settingParts(event),
  ];
}
