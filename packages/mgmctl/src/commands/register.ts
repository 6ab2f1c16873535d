import { once } from 'node:events';
import {
  ProtocolId,
  type Mgm,
  type ProtocolOptions,
  type Session,
  type SessionEvents,
} from '@mgm/client';
import { Option, type Command } from 'commander';
import { clientText, durationText, interfaceText } from '@mgm/protocol';
import { componentId, duration, logged, protocol as protocolOf } from '../arguments.ts';
import { examples, type Context, type Runner } from '../command.ts';
import { ExitCode } from '../exit-code.ts';
import type { Io } from '../io.ts';
import type { Output } from '../output/output.ts';

/** What to register as. */
export interface RegisterOptions {
  readonly protocol: number;
  readonly component: number;
  readonly name: string;
  readonly ttl?: number | undefined;
}

export function addRegister(program: Command, { io, connected }: Runner): void {
  withClientOptions(program.command('register'), io)
    .summary('open a session and keep it until Ctrl-C')
    .description('Registers, shows callbacks, and deregisters at Ctrl-C. For trying things out.')
    .addHelpText('after', examples('register --protocol IGMP --component 1'))
    .action((options: RegisterOptions, command: Command) =>
      connected(command, (context) => holdSession(context, options)),
    );
}

/** Adds the options of a command that registers. */
export function withClientOptions(command: Command, { pid, user }: Io): Command {
  const protocol = new Option('--protocol <name>', 'the protocol: PIM, IGMP or a number')
    .argParser(protocolOf)
    .default(ProtocolId.PIM, 'PIM');
  const component = new Option('--component <number>', 'the number of the component')
    .argParser(componentId)
    .default(pid, 'the process id');
  const name = new Option('--name <text>', 'the name that others see')
    .argParser(logged)
    .default(`mgmctl ${user}`, 'mgmctl user@host');
  const ttl = new Option('--ttl <duration>', 'the length of the lease (10s)').argParser(
    duration(1_000, 300_000),
  );
  return command.addOption(protocol).addOption(component).addOption(name).addOption(ttl);
}

/** Registers, runs `begin`, and shows callbacks until the signal aborts or an ownership is lost. Then deregisters. */
export async function holdSession(
  { mgm, out, signal }: Context,
  options: RegisterOptions,
  begin: (session: Session) => Promise<void> = () => Promise.resolve(),
): Promise<ExitCode> {
  const over = new AbortController();
  await using session = await open(mgm, out, options, over);
  await begin(session);
  out.note('Ctrl-C gives everything back');
  const ending = AbortSignal.any([signal, over.signal]);
  if (!ending.aborted) await once(ending, 'abort');
  if (!signal.aborted) return ExitCode.refused;
  await session.deregister({ force: true });
  tell(out, 'deregistered', { session: session.id }, () => 'gave everything back');
  return ExitCode.interrupted;
}

/** Registers; `over` aborts when the session has ended or lost an ownership. */
async function open(
  mgm: Mgm,
  out: Output,
  options: RegisterOptions,
  over: AbortController,
): Promise<Session> {
  const { protocol: protocolId, component, name, ttl } = options;
  const client = { protocolId, componentId: component, name };
  const session = await mgm.registerProtocol({
    ...client,
    ttlMs: ttl,
    ...showingCallbacks(out),
    on: {
      'ownership-lost': (lost) => onOwnershipLost(out, lost, over),
      lost: ({ reason }) => {
        tell(out, 'lost', { message: reason.message }, () => `lost the session: ${reason.message}`);
      },
      ended: () => over.abort(),
    },
  });
  const { id, ttlMs } = session;
  tell(out, 'registered', { session: id, ttlMs }, () => {
    return `registered ${clientText(client)} as session ${id}, lease ${durationText(ttlMs)}`;
  });
  return session;
}

/** Shows the callbacks that an IGMP session gets when a routing protocol takes or releases its interface. */
function showingCallbacks(out: Output): Pick<ProtocolOptions, 'onDisableIgmp' | 'onEnableIgmp'> {
  return {
    onDisableIgmp: (callback) =>
      tell(out, 'callback', callback, () => `DISABLE_IGMP on interface ${interfaceText(callback)}`),
    onEnableIgmp: (callback) =>
      tell(out, 'callback', callback, () => `ENABLE_IGMP on interface ${interfaceText(callback)}`),
  };
}

/** Ends the command: the session held nothing else. */
function onOwnershipLost(
  out: Output,
  { ownership, cause, why }: SessionEvents['ownership-lost'],
  over: AbortController,
): void {
  const { ifIndex, nextHop, epoch } = ownership;
  tell(out, 'ownership-lost', { ifIndex, nextHop, epoch, cause, why }, () => {
    const reason = why === undefined ? '' : ` (${why})`;
    return `lost interface ${interfaceText({ ifIndex, nextHop })}: ${cause}${reason}`;
  });
  over.abort();
}

/** Prints what happened: an object with its `kind`, or a line of text. */
export function tell(out: Output, kind: string, fields: object, text: () => string): void {
  if (out.json) out.object({ kind, ...fields });
  else out.line(text());
}
