import type { InterfaceKey, Mgm, ProtocolOptions, Session, SessionEvents } from '@mgm/client';
import type { Command, Given } from './command.ts';
import { ExitCode } from './exit-code.ts';
import type { Output } from './output.ts';
import { clientText, durationText, interfaceText } from './words.ts';

/** Who to register as. */
export interface RegisterOptions {
  readonly protocol: number;
  readonly component: number;
  readonly name: string;
  readonly ttl?: number | undefined;
}

/** Registers, shows the callbacks that come, and deregisters when it is interrupted. */
export const register: Command<RegisterOptions> = (given, options) =>
  holding(given, options, () => Promise.resolve());

/** Takes an interface and gives it back when it is interrupted. */
export const take: Command<RegisterOptions & { readonly key: InterfaceKey }> = (given, options) =>
  holding(given, options, async (session) => {
    const { ifIndex, nextHop, epoch } = await session.takeInterfaceOwnership(options.key);
    tell(given.out, 'taken', { ifIndex, nextHop, epoch }, () => {
      return `took interface ${interfaceText({ ifIndex, nextHop })} under epoch ${epoch}`;
    });
  });

async function holding(
  { mgm, out, signal }: Given,
  options: RegisterOptions,
  begin: (session: Session) => Promise<void>,
): Promise<ExitCode> {
  const over = new AbortController();
  await using session = await open(mgm, out, options, over);
  await begin(session);
  out.note('Ctrl-C gives everything back');
  await fired(AbortSignal.any([signal, over.signal]));
  if (!signal.aborted) return ExitCode.refused;
  await session.deregister({ force: true });
  tell(out, 'deregistered', { session: session.id }, () => 'gave everything back');
  return ExitCode.interrupted;
}

/** Registers; `over` fires when there is nothing to hold any more. */
async function open(
  mgm: Mgm,
  out: Output,
  options: RegisterOptions,
  over: AbortController,
): Promise<Session> {
  const session = await mgm.registerProtocol({
    ...clientOf(options),
    ...tellingCallbacks(out),
    on: {
      'ownership-lost': (lost) => onOwnershipLost(out, lost, over),
      lost: ({ reason }) => {
        tell(out, 'lost', { message: reason.message }, () => `lost the session: ${reason.message}`);
      },
      ended: () => over.abort(),
    },
  });
  const client = clientText(clientOf(options));
  const { id, ttlMs } = session;
  tell(out, 'registered', { session: id, ttlMs }, () => {
    return `registered ${client} as session ${id}, lease ${durationText(ttlMs)}`;
  });
  return session;
}

function clientOf({ protocol, component, name, ttl }: RegisterOptions) {
  return { protocolId: protocol, componentId: component, name, ttlMs: ttl };
}

/** Shows what IGMP is told when a routing protocol comes or goes. */
function tellingCallbacks(out: Output): Pick<ProtocolOptions, 'onDisableIgmp' | 'onEnableIgmp'> {
  return {
    onDisableIgmp: (callback) =>
      tell(out, 'callback', callback, () => `DISABLE_IGMP on interface ${interfaceText(callback)}`),
    onEnableIgmp: (callback) =>
      tell(out, 'callback', callback, () => `ENABLE_IGMP on interface ${interfaceText(callback)}`),
  };
}

/** Ends the command: it held nothing else. */
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

function tell(out: Output, kind: string, fields: object, text: () => string): void {
  if (out.json) out.object({ kind, ...fields });
  else out.line(text());
}

async function fired(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  if (signal.aborted) resolve();
  await promise;
}
