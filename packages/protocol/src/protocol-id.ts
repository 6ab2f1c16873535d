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
