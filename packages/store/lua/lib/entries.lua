--- Entries: which clients have memberships of (s,g), (*,g) or (*,*), and in which slots.
---
--- A name is the family, `4` or `6`, then the group and the source in hexadecimal, without the wildcards at the end: `4` is
--- the (*,*) of IPv4, `4e0000001` (*,224.0.0.1). Names in byte order are entries in the order of listings.
---
--- An entry holds one pair per (holder, client that it counts for): both client numbers, a count, and the set of slots. The
--- holder of static memberships is 0, and so is the client of memberships that count for no client. Beside an owner
--- that set `advise` it is the owner's number, marked: see `counted`. Up to
--- 48 slots are a list of numbers, more are pages of 256 bits, so a membership is found without reading all.
---
--- @include lib/interfaces.lua
--- @include lib/slots.lua
--- @include lib/source_index.lua

local entries = {}

--- A pair's positions.
local HOLDER, COUNTS_FOR, COUNT, SET = 1, 2, 3, 4

local LIST_MAX = 48
local PAGE_BITS, PAGE_BYTES = 256, 36
local PAIR = '<I4I4I4I4'
local PAIR_BYTES = 16

--- By name: an entry, or its packed text until it is read; false for one that is not stored.
local loaded_entries
--- A page without bits.
local empty_bits

function entries.begin()
  loaded_entries, empty_bits = {}, string.rep('\0', PAGE_BYTES - 4)
end

local function parse(name, packed)
  local entry = { name = name, stored = packed ~= false, counted = packed ~= false }
  local at = 1
  while packed and at <= #packed do
    local holder, counts_for, count, bytes = struct.unpack(PAIR, packed, at)
    local from = at + PAIR_BYTES
    at = from + bytes
    entry[#entry + 1] = { holder, counts_for, count, string.sub(packed, from, at - 1) }
  end
  return entry
end

local function pack_entry(entry)
  if #entry == 1 then
    local pair = entry[1]
    return struct.pack(PAIR, pair[HOLDER], pair[COUNTS_FOR], pair[COUNT], #pair[SET]) .. pair[SET]
  end
  local parts = {}
  for i = 1, #entry do
    local pair = entry[i]
    parts[#parts + 1] = struct.pack(PAIR, pair[HOLDER], pair[COUNTS_FOR], pair[COUNT], #pair[SET])
    parts[#parts + 1] = pair[SET]
  end
  return table.concat(parts)
end

--- Reads entries, thousands with one command.
function entries.load(names)
  local missing = {}
  for i = 1, #names do
    local name = names[i]
    if name ~= '' and loaded_entries[name] == nil then
      loaded_entries[name] = false
      missing[#missing + 1] = name
    end
  end
  for first = 1, #missing, CHUNK do
    local last = math.min(first + CHUNK - 1, #missing)
    local packed = redis.call('HMGET', memberships_key, unpack(missing, first, last))
    for i = first, last do loaded_entries[missing[i]] = packed[i - first + 1] end
  end
end

function entries.get(name)
  local entry = loaded_entries[name]
  if entry == nil then
    entries.load({ name })
    entry = loaded_entries[name]
  end
  if type(entry) ~= 'table' then
    entry = parse(name, entry)
    loaded_entries[name] = entry
  end
  return entry
end

-- Sets of slots.

local function page_at(set, number)
  for at = 1, #set, PAGE_BYTES do
    if struct.unpack('<I4', set, at) == number then return at end
  end
end

--- The position of the byte of a slot in pages, and its bit.
local function byte_of(page, slot)
  local within = slot % PAGE_BITS
  return page + 4 + math.floor(within / 8), bit.rshift(128, within % 8)
end

local function list_position(set, slot)
  local packed = struct.pack('<I4', slot)
  local at = string.find(set, packed, 1, true)
  while at and at % 4 ~= 1 do at = string.find(set, packed, at + 1, true) end
  return at
end

local function set_bit(set, slot)
  local number = math.floor(slot / PAGE_BITS)
  local page = page_at(set, number)
  if not page then
    page = #set + 1
    set = set .. struct.pack('<I4', number) .. empty_bits
  end
  local at, mask = byte_of(page, slot)
  return string.sub(set, 1, at - 1) .. string.char(bit.bor(string.byte(set, at), mask)) .. string.sub(set, at + 1)
end

local function clear_bit(set, slot)
  local page = page_at(set, math.floor(slot / PAGE_BITS))
  local at, mask = byte_of(page, slot)
  local byte = string.char(bit.band(string.byte(set, at), 255 - mask))
  set = string.sub(set, 1, at - 1) .. byte .. string.sub(set, at + 1)
  if string.sub(set, page + 4, page + PAGE_BYTES - 1) ~= empty_bits then return set end
  return string.sub(set, 1, page - 1) .. string.sub(set, page + PAGE_BYTES)
end

--- Adds the slots whose bits are set in eight bits, from `first` on.
local function add_bits(found, byte, first)
  for i = 0, 7 do
    if bit.band(byte, bit.rshift(128, i)) ~= 0 then found[#found + 1] = first + i end
  end
end

--- All slots of a pair.
function entries.slots_of(pair)
  local found, set = {}, pair[SET]
  if pair[COUNT] <= LIST_MAX then
    for at = 1, #set, 4 do found[#found + 1] = struct.unpack('<I4', set, at) end
    return found
  end
  for page = 1, #set, PAGE_BYTES do
    local first = struct.unpack('<I4', set, page) * PAGE_BITS
    for i = 0, PAGE_BITS / 8 - 1 do
      local byte = string.byte(set, page + 4 + i)
      if byte ~= 0 then add_bits(found, byte, first + i * 8) end
    end
  end
  return found
end

function entries.has(pair, slot)
  local set = pair[SET]
  if pair[COUNT] <= LIST_MAX then return list_position(set, slot) ~= nil end
  local page = page_at(set, math.floor(slot / PAGE_BITS))
  if not page then return false end
  local at, mask = byte_of(page, slot)
  return bit.band(string.byte(set, at), mask) ~= 0
end

--- The pair of these clients, or nil.
function entries.pair(entry, holder, counts_for)
  for i = 1, #entry do
    local pair = entry[i]
    if pair[HOLDER] == holder and pair[COUNTS_FOR] == counts_for then return pair end
  end
end

--- The pairs of an entry before it is changed.
function entries.copy(entry)
  local copy = {}
  for i = 1, #entry do copy[i] = entry[i] end
  return copy
end

--- Adds a membership. Returns whether the pair is new.
function entries.insert(entry, slot)
  entry.changed = true
  local pair = entries.pair(entry, slot.holder, slot.counts_for)
  local is_new = pair == nil
  if is_new then
    pair = { slot.holder, slot.counts_for, 0, '' }
    entry[#entry + 1] = pair
  end
  local count = pair[COUNT] + 1
  if count <= LIST_MAX then
    pair[SET] = pair[SET] .. struct.pack('<I4', slot.number)
  else
    if count == LIST_MAX + 1 then
      local pages = ''
      for _, number in ipairs(entries.slots_of(pair)) do pages = set_bit(pages, number) end
      pair[SET] = pages
    end
    pair[SET] = set_bit(pair[SET], slot.number)
  end
  pair[COUNT] = count
  if not entry.counted then
    entry.counted = true
    router.members.entries = router.members.entries + 1
  end
  return is_new
end

local function drop_pair(entry, pair)
  for i = 1, #entry do
    if entry[i] == pair then
      table.remove(entry, i)
      break
    end
  end
  if #entry == 0 then
    entry.counted = false
    router.members.entries = router.members.entries - 1
  end
end

--- Removes a membership. Returns whether it was the last of its pair.
function entries.remove(entry, pair, number)
  entry.changed = true
  local count = pair[COUNT] - 1
  if count == 0 then
    drop_pair(entry, pair)
  elseif count < LIST_MAX then
    local at = list_position(pair[SET], number)
    pair[SET] = string.sub(pair[SET], 1, at - 1) .. string.sub(pair[SET], at + 4)
  else
    pair[SET] = clear_bit(pair[SET], number)
    if count == LIST_MAX then
      local list = {}
      for _, one in ipairs(entries.slots_of(pair)) do list[#list + 1] = struct.pack('<I4', one) end
      pair[SET] = table.concat(list)
    end
  end
  pair[COUNT] = count
  return count == 0
end

--- Removes these memberships of a pair, or the pair if they are all of it.
function entries.remove_all(entry, pair, numbers)
  if #numbers == pair[COUNT] then
    entry.changed, pair[COUNT] = true, 0
    return drop_pair(entry, pair)
  end
  for i = 1, #numbers do entries.remove(entry, pair, numbers[i]) end
end

-- Withdrawn memberships.

--- Whether any membership of the router may be withdrawn.
function entries.may_be_withdrawn()
  local state = router.members
  return state and (state.voids > 0 or state.ending > 0 or router.reset_epoch > 0)
end

local function is_over(number)
  if number == 0 then return false end
  local client = load_client(number)
  return client == nil or client.state == 'ended'
end

--- Bits of a page that are void.
local function void_in_page(found, set, page)
  local bitmap = slots.void_bitmap()
  local number = struct.unpack('<I4', set, page)
  for i = 0, PAGE_BITS / 8 - 1 do
    local void = string.byte(bitmap, number * PAGE_BITS / 8 + i + 1)
    if not void then return end
    if void ~= 0 then
      local both = bit.band(void, string.byte(set, page + 4 + i))
      if both ~= 0 then add_bits(found, both, number * PAGE_BITS + i * 8) end
    end
  end
end

local function only_void(numbers)
  local void = {}
  for i = 1, #numbers do
    if slots.is_void(numbers[i]) then void[#void + 1] = numbers[i] end
  end
  return void
end

local function void_in_list(set)
  local void = {}
  for at = 1, #set, 4 do
    local number = struct.unpack('<I4', set, at)
    if slots.is_void(number) then void[#void + 1] = number end
  end
  return void
end

--- The withdrawn slots of a pair: all if a client of it has ended.
function entries.withdrawn_of(pair)
  if is_over(pair[HOLDER]) or is_over(counted.client_behind(pair[COUNTS_FOR])) then return entries.slots_of(pair) end
  if router.members.voids == 0 then return {} end
  if pair[COUNT] <= LIST_MAX then return void_in_list(pair[SET]) end
  local found, set = {}, pair[SET]
  for page = 1, #set, PAGE_BYTES do void_in_page(found, set, page) end
  local _, changed = slots.void_bitmap()
  found = only_void(found)
  local bits = slots.void_bitmap()
  for number, is_void in pairs(changed) do
    local byte = string.byte(bits, math.floor(number / 8) + 1) or 0
    local was_void = bit.band(byte, bit.rshift(128, number % 8)) ~= 0
    if is_void and not was_void and entries.has(pair, number) then found[#found + 1] = number end
  end
  return found
end

--- Whether nothing of a loaded entry is withdrawn, found without unpacking it. False also where that needs a closer look.
function entries.is_quiet(name)
  local packed = loaded_entries[name]
  if type(packed) ~= 'string' then return false end
  local at = 1
  while at <= #packed do
    local holder, counts_for, count, bytes = struct.unpack(PAIR, packed, at)
    if count > LIST_MAX or is_over(holder) or is_over(counted.client_behind(counts_for)) then return false end
    local first = at + PAIR_BYTES
    at = first + bytes
    for place = first, at - 1, 4 do
      if slots.is_void(struct.unpack('<I4', packed, place)) then return false end
    end
  end
  return true
end

--- The pairs that count for a client. The others are not wanted by any.
function entries.counting(all)
  for i = 1, #all do
    if not counted.is_client(all[i][COUNTS_FOR]) then
      local counting = {}
      for j = 1, #all do
        if counted.is_client(all[j][COUNTS_FOR]) then counting[#counting + 1] = all[j] end
      end
      return counting
    end
  end
  return all
end

--- Those of the pairs with a membership that is not withdrawn.
local function not_withdrawn(all)
  if #all == 0 or not entries.may_be_withdrawn() then return all end
  local present = {}
  for i = 1, #all do
    local pair = all[i]
    if #entries.withdrawn_of(pair) < pair[COUNT] then present[#present + 1] = pair end
  end
  return present
end

--- The pairs that count for a client, with a membership that is not withdrawn.
function entries.present_pairs(entry)
  return not_withdrawn(entries.counting(entry))
end

--- Holder and counted client of every pair with a membership that is neither withdrawn nor dormant, for an entry that was
--- loaded. Sets are not read, unless something may be withdrawn.
function entries.present_clients(name)
  local found, entry = {}, loaded_entries[name]
  if entry and type(entry) ~= 'table' and not entries.may_be_withdrawn() then
    local at = 1
    while at <= #entry do
      local holder, counts_for, _, bytes = struct.unpack(PAIR, entry, at)
      if holder ~= 0 or counts_for ~= 0 then found[#found + 1], found[#found + 2] = holder, counts_for end
      at = at + PAIR_BYTES + bytes
    end
    return found
  end
  local present = not_withdrawn(entries.get(name))
  for i = 1, #present do
    local holder, counts_for = present[i][HOLDER], present[i][COUNTS_FOR]
    if holder ~= 0 or counts_for ~= 0 then found[#found + 1], found[#found + 2] = holder, counts_for end
  end
  return found
end

-- Walking and writing.

--- The entries of a group in which a slot has memberships, in order. `group`: the name of its (*,g). Where the names of the
--- slot's entries are not kept, all sources of the group are read.
function entries.of_slot(slot, group)
  local found, kept = {}, slots.names_now(slot)
  if kept then
    for name in string.gmatch(kept, group .. '%x*') do found[#found + 1] = name end
  else
    local from = '[' .. group
    repeat
      local names = entries.names_from(from, '[' .. group .. 'g', CHUNK)
      entries.load(names)
      from = '(' .. (names[#names] or '')
    until #names < CHUNK
    for name, entry in pairs(loaded_entries) do
      local pair = entry and string.sub(name, 1, #group) == group
        and entries.pair(entries.get(name), slot.holder, slot.counts_for)
      if pair and entries.has(pair, slot.number) then found[#found + 1] = name end
    end
  end
  table.sort(found)
  return found
end

--- Up to `most` names from this bound of `ZRANGEBYLEX` on.
function entries.names_from(from, to, most)
  return redis.call('ZRANGEBYLEX', entries_key, from, to, 'LIMIT', 0, most)
end

--- Names that this batch adds, behind `from` and up to `to`.
function entries.unsaved_between(from, to)
  local found = {}
  for name, entry in pairs(loaded_entries) do
    local is_new = type(entry) == 'table' and entry.counted and not entry.stored
    if is_new and name > from and name <= to then found[#found + 1] = name end
  end
  return found
end

function entries.check_types()
  redis.call('ZCARD', entries_key)
end

function entries.save()
  local values, added, removed = {}, {}, {}
  for name, entry in pairs(loaded_entries) do
    if type(entry) == 'table' and entry.changed then
      if entry.counted then
        local place = #values + 1
        values[place], values[place + 1] = name, pack_entry(entry)
        if not entry.stored then
          added[#added + 1] = '0'
          added[#added + 1] = name
        end
      elseif entry.stored then
        removed[#removed + 1] = name
      end
    end
  end
  in_chunks(values, function(...) redis.call('HSET', memberships_key, ...) end)
  in_chunks(added, function(...) redis.call('ZADD', entries_key, ...) end)
  in_chunks(removed, function(...) redis.call('HDEL', memberships_key, ...) end)
  in_chunks(removed, function(...) redis.call('ZREM', entries_key, ...) end)
  save_sources(added, removed)
end
