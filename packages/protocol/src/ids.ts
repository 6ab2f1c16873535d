type Brand<Base, Name extends string> = Base & { readonly '~brand': Name };

/**
 * A fencing token: decimal text of an unsigned integer, larger than any given before on its router.
 * Compare with {@link compareEpochs}, never as a float. Wire contract section 6.
 */
export type Epoch = Brand<string, 'Epoch'>;

/** The public number of a session: an unsigned integer below 2^53, never given twice on a router. */
export type SessionId = Brand<number, 'SessionId'>;

/** The secret that identifies the client of a session, at most 64 bytes. Never logged. */
export type Handle = Brand<string, 'Handle'>;

/** One namespace per (virtual) router: `[A-Za-z0-9_-]{1,64}`. */
export type RouterName = Brand<string, 'RouterName'>;

/** A next hop in canonical text (RFC 5952), `''` for none. */
export type NextHop = Brand<string, 'NextHop'>;

/** The number of an event on one router: 1, 2, 3 … without gaps. */
export type Revision = Brand<number, 'Revision'>;

/** The name of an interface (`(if,nh)` in MGM): a point-to-multipoint link has one key per next hop. */
export interface InterfaceKey {
  readonly ifIndex: number;
  readonly nextHop: NextHop;
}

const EPOCH = /^(0|[1-9][0-9]{0,19})$/;
const ROUTER = /^[A-Za-z0-9_-]{1,64}$/;

/** Whether the text is an epoch: decimal digits, at most 20, without sign and leading zeros. */
export function isEpoch(text: string): text is Epoch {
  return EPOCH.test(text);
}

/** The epoch of an integer. Throws `RangeError` for a number that is negative or above 2^53. */
export function epochOf(value: number): Epoch {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an epoch: ${value}`);
  return String(value) as Epoch;
}

/** Negative, zero or positive as `a` is older than, equal to or newer than `b`. */
export function compareEpochs(a: Epoch, b: Epoch): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** Whether the text may name a router in a subject and a key. */
export function isRouterName(text: string): text is RouterName {
  return ROUTER.test(text);
}

/** The router name, or a `RangeError` that says what is allowed. */
export function routerName(text: string): RouterName {
  if (isRouterName(text)) return text;
  throw new RangeError(`router ${JSON.stringify(text)}: must be 1 to 64 of A-Z a-z 0-9 _ -`);
}

/** The session number, or a `RangeError`. */
export function sessionId(value: number): SessionId {
  if (isSessionId(value)) return value;
  throw new RangeError(`session ${value}: must be an integer from 1 to 2^53 - 1`);
}

function isSessionId(value: number): value is SessionId {
  return Number.isSafeInteger(value) && value > 0;
}

/** Well-known protocol ids of routprot.h. Any u32 is allowed on the wire. */
export const ProtocolId = {
  OTHER: 1,
  LOCAL: 2,
  NETMGMT: 3,
  RIP: 8,
  MSDP: 9,
  IGMP: 10,
  BGMP: 11,
  OSPF: 13,
  BGP: 14,
  /** routprot.h has no ids for PIM and DVMRP; the demo and the tests use these, which it does not use either. */
  PIM: 0x0067,
  DVMRP: 0x0068,
} as const;

const TYPE_MULTICAST = 1;

/**
 * Whether a client with this protocol id is IGMP, the one that may share an interface: the number 10, or a composite
 * id of multicast type (bits 31..30 = 1) whose low 16 bits are 10. Wire contract section 3.
 */
export function isIgmp(protocolId: number): boolean {
  if (protocolId === ProtocolId.IGMP) return true;
  return protocolId >>> 30 === TYPE_MULTICAST && (protocolId & 0xffff) === ProtocolId.IGMP;
}

/** A name to display: `PIM`, `IGMP`, or the decimal number if no name is known. */
export function protocolName(protocolId: number): string {
  if (isIgmp(protocolId)) return 'IGMP';
  const known = Object.entries(ProtocolId).find(([, id]) => id === protocolId);
  return known ? known[0] : String(protocolId);
}
