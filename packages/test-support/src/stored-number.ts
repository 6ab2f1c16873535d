/** The numbers in packed records that tests read or change: field of the hash, position. See lua/lib of the store. */
const PLACES = {
  'meta.epoch': ['state', 2],
  'meta.serviceMs': ['state', 4],
  'meta.seenAt': ['state', 5],
  'meta.servingUntil': ['state', 8],
  'meta.memberSlots': ['members', 4],
  'client.componentId': ['record', 2],
  'client.ttlMs': ['record', 8],
  'client.ack': ['record', 14],
  'client.alertSession': ['member', 1],
  'client.alertItems': ['member', 4],
} as const;

const CHANGE = `
  local key, field, place = KEYS[1], ARGV[1], tonumber(ARGV[2])
  local packed = redis.call('HGET', key, field)
  if not packed then return false end
  local values = { cmsgpack.unpack(packed) }
  if ARGV[3] == 'set' then values[place] = tonumber(ARGV[4]) end
  if ARGV[3] == 'add' then values[place] = values[place] + tonumber(ARGV[4]) end
  if ARGV[3] ~= 'get' then redis.call('HSET', key, field, cmsgpack.pack(unpack(values))) end
  return string.format('%.0f', values[place])`;

/**
 * The command that reads or changes one number of a packed record in Redis, for tests of clocks and lost data.
 * Its reply is the number as text, or nil when there is no such record.
 */
export function storedNumber(
  key: string,
  name: keyof typeof PLACES,
  change: 'get' | 'set' | 'add' = 'get',
  by = 0,
): readonly [command: string, ...args: string[]] {
  const [field, place] = PLACES[name];
  return ['EVAL', CHANGE, '1', key, field, String(place), change, String(by)];
}
