import type { InterfaceKey } from '@mgm/client';
import type { Command } from 'commander';
import { interfaceText } from '@mgm/protocol';
import { epoch as epochOf, ifIndex, nextHop } from '../arguments.ts';
import {
  examples,
  INTERFACE,
  keyOf,
  NEXT_HOP,
  type Context,
  type OnInterface,
  type Runner,
} from '../command.ts';
import { ExitCode } from '../exit-code.ts';

export function addValidate(program: Command, { connected }: Runner): void {
  program
    .command('validate')
    .summary('check whether an epoch is in force')
    .description('Checks whether an epoch is the one in force on an interface. Exit code 1 if not.')
    .argument(...INTERFACE, ifIndex)
    .argument('<epoch>', 'the epoch to check', epochOf)
    .argument(...NEXT_HOP, nextHop)
    .addHelpText('after', examples('validate 7 1795360064931002'))
    .action((index: number, epoch: string, hop: OnInterface[1], _: object, command: Command) =>
      connected(command, (context) => validate(context, keyOf(index, hop), epoch)),
    );
}

async function validate(
  { mgm, out, signal }: Context,
  key: InterfaceKey,
  epoch: string,
): Promise<ExitCode> {
  const { valid, current } = await mgm.validateEpoch({ ...key, epoch }, { signal });
  const where = interfaceText(key);
  if (out.json) out.object({ ...key, epoch, valid, current });
  else if (valid) out.line(`valid: ${epoch} is in force on interface ${where}`);
  else if (current === undefined || current === '0') {
    out.line(`not valid: interface ${where} is free`);
  } else out.line(`not valid: on interface ${where} ${current} is in force`);
  return valid ? ExitCode.ok : ExitCode.refused;
}
