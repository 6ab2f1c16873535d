import type { InterfaceKey } from '@mgm/client';
import type { Command } from 'commander';
import { interfaceText } from '@mgm/protocol';
import {
  examples,
  keyOf,
  withInterface,
  type Context,
  type OnInterface,
  type Runner,
} from '../command.ts';
import type { ExitCode } from '../exit-code.ts';
import { holdSession, tell, withClientOptions, type RegisterOptions } from './register.ts';

export function addTake(program: Command, { io, connected }: Runner): void {
  withClientOptions(withInterface(program.command('take')), io)
    .summary('take an interface and hold it until Ctrl-C')
    .description(
      'Registers, takes an interface, and gives it back at Ctrl-C. For trying things out.',
    )
    .addHelpText('after', examples('take 7', 'take 7 10.0.0.1 --protocol IGMP'))
    .action((...[index, hop, options, command]: OnInterface<RegisterOptions>) =>
      connected(command, (context) => take(context, keyOf(index, hop), options)),
    );
}

async function take(
  context: Context,
  key: InterfaceKey,
  options: RegisterOptions,
): Promise<ExitCode> {
  return await holdSession(context, options, async (session) => {
    const { ifIndex, nextHop, epoch } = await session.takeInterfaceOwnership(key);
    tell(context.out, 'taken', { ifIndex, nextHop, epoch }, () => {
      return `took interface ${interfaceText({ ifIndex, nextHop })} under epoch ${epoch}`;
    });
  });
}
