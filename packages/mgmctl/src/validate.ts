import type { InterfaceKey } from '@mgm/client';
import type { Command } from './command.ts';
import { ExitCode } from './exit-code.ts';
import { interfaceText } from './words.ts';

/** An epoch that somebody acts under, and where. */
export interface ValidateOptions extends InterfaceKey {
  readonly epoch: string;
}

/** Whether an epoch is the one in force; where it is not, this ends as refused. */
export const validate: Command<ValidateOptions> = async ({ mgm, out, signal }, options) => {
  const { ifIndex, nextHop, epoch } = options;
  const { valid, current } = await mgm.validateEpoch(options, { signal });
  if (out.json) out.object({ ifIndex, nextHop, epoch, valid, current });
  else
    out.line(
      sentence({ where: interfaceText({ ifIndex, nextHop: nextHop }), epoch, valid, current }),
    );
  return valid ? ExitCode.ok : ExitCode.refused;
};

interface Verdict {
  readonly where: string;
  readonly epoch: string;
  readonly valid: boolean;
  readonly current: string | undefined;
}

function sentence({ where, epoch, valid, current }: Verdict): string {
  if (valid) return `valid: ${epoch} is in force on interface ${where}`;
  if (current === undefined || current === '0') return `not valid: interface ${where} is free`;
  return `not valid: on interface ${where} ${current} is in force`;
}
