import type { Handle, InterfaceKey, NextHop, SessionId } from '@mgm/protocol';

/** The parts of a handle: the client and session that it names, and the secret that proves it. */
export interface HandleParts {
  readonly client: number;
  readonly session: number;
  readonly secret: string;
}

const HANDLE = /^([1-9][0-9]{0,15})\.([1-9][0-9]{0,15})\.([A-Za-z0-9_-]{22})$/;

/** Names no client. */
export const NO_HANDLE: HandleParts = { client: 0, session: 0, secret: '' };

/** Stands for a session where there is none: a membership that counts for no session, a setting changed by an operator. */
export const NO_SESSION = 0 as SessionId;

/** The handle of a session, at most 56 bytes. */
export function writeHandle(client: number, session: SessionId, secret: string): Handle {
  return handleText({ client, session, secret }) as Handle;
}

/** All of a handle as text. */
export function handleText({ client, session, secret }: HandleParts): string {
  return `${client}.${session}.${secret}`;
}

/** The parts of a handle; parts that name no client for any other text. */
export function readHandle(handle: Handle): HandleParts {
  const match = HANDLE.exec(handle);
  if (!match) return NO_HANDLE;
  return { client: Number(match[1]), session: Number(match[2]), secret: match[3] ?? '' };
}

/** The name of an interface in keys and records: `7:` or `7:10.0.0.1`. */
export function interfaceName({ ifIndex, nextHop }: InterfaceKey): string {
  return `${ifIndex}:${nextHop}`;
}

/** An interface in messages for people: `interface 7`, or `interface 7 via 10.0.0.1`. */
export function describeInterface({ ifIndex, nextHop }: InterfaceKey): string {
  return `interface ${ifIndex}${nextHop && ` via ${nextHop}`}`;
}

/** A next hop as scripts store it: in canonical text. */
export function nextHopOf(text: string): NextHop {
  return text as NextHop;
}

/** The interface of such a name. Throws `RangeError` for other text. */
export function interfaceOf(name: string): InterfaceKey {
  const colon = name.indexOf(':');
  const ifIndex = Number(name.slice(0, colon));
  if (colon < 1 || !Number.isInteger(ifIndex)) throw new RangeError(`not an interface: ${name}`);
  return { ifIndex, nextHop: nextHopOf(name.slice(colon + 1)) };
}
