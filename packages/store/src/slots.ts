/** How many slots the keys of a Redis Cluster are spread over. */
export const SLOTS = 16_384;

/** The slot of a key: CRC-16/XMODEM of what stands in its first braces, if anything does, else of all of it. */
export function slotOf(key: string): number {
  const tag = /^[^{]*\{([^}]+)\}/.exec(key)?.[1] ?? key;
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return (crc & 0xffff) % SLOTS;
}
