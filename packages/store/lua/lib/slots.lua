--- Slots: one per hold with memberships. An entry names its memberships by slot, so the end of a hold withdraws all of them by
--- one bit, however many there are (membership contract, section 5.5).
---
--- States. `present`: the hold continues, `on:<interface>` names the slot. `void`: the hold has ended, or, of IGMP, the owner
--- of the interface changed; memberships of the slot are withdrawn. `free`: no membership is left. Ways: free → present by an
--- add; present → void; present or void → free with the last membership. Void never becomes present again.
---
--- `on:<interface>` also has the settings of the owner's hold (forwarding contract, section 7): they end with it. Static
--- memberships have two slots per interface, without a holder: see lib/statics.lua.
---
--- @include lib/clients.lua
--- @include lib/excludes.lua

--- At most this many holds with memberships per router.
local slots = { MOST = 1000000, OWNER = 1, IGMP = 2, STATIC = 4, HOME = 5, ADVISE = 1, WRONG_IF = 2,
  UNNAMED = -1, COLLECTING = -2, NAMES_MAX = 256, NO_HOLDER = { number = 0 } }

--- Names of up to `NAMES_MAX` entries are kept per slot, so that a sweep finds the memberships of a small hold directly.
--- `named` is their number, or one of the other two: lib/relisting.lua.
local UNNAMED, COLLECTING, NAMES_MAX = slots.UNNAMED, slots.COLLECTING, slots.NAMES_MAX

--- Index of the settings among the numbers of an interface: the others are its present slots, by place.
local SETTINGS, NUMBERS = 3, 5

--- By number; by interface, the numbers of its present slots and the settings; slots that became or ceased to be void in this batch.
local loaded_slots, places_by_interface, voided
--- The bitmap of void slots as stored; free numbers read from the list, and how many of them are taken.
local void_bits, free_numbers, taken_count

function slots.begin()
  loaded_slots, places_by_interface, voided, void_bits, free_numbers, taken_count = {}, {}, {}, nil, {}, 0
end

local function unpack_slot(number, packed)
  local interface, place, holder, counts_for, epoch, owner_epoch, count, named, void, cause, window,
    filters = cmsgpack.unpack(packed)
  return { number = number, interface = interface, place = place, holder = holder, counts_for = counts_for,
    epoch = epoch, owner_epoch = owner_epoch, count = count, named = named, void = void, cause = cause,
    window = window, filters = filters or 0, stored = true }
end

local function pack_slot(slot)
  return cmsgpack.pack(slot.interface, slot.place, slot.holder, slot.counts_for, slot.epoch, slot.owner_epoch,
    slot.count, slot.named, slot.void, slot.cause, slot.window, slot.filters)
end

function slots.get(number)
  local slot = loaded_slots[number]
  if slot then return slot end
  local packed = redis.call('HGET', slots_key, text(number))
  if not packed then error({ err = 'MGMCORRUPT ' .. slots_key .. ' has no slot ' .. text(number) }) end
  slot = unpack_slot(number, packed)
  loaded_slots[number] = slot
  return slot
end

--- The slot, or nil.
function slots.find(number)
  slots.load({ number })
  return loaded_slots[number]
end

--- Reads slots, thousands with one command.
function slots.load(numbers)
  local missing = {}
  for i = 1, #numbers do
    if not loaded_slots[numbers[i]] then missing[#missing + 1] = text(numbers[i]) end
  end
  for first = 1, #missing, CHUNK do
    local last = math.min(first + CHUNK - 1, #missing)
    local packed = redis.call('HMGET', slots_key, unpack(missing, first, last))
    for i = first, last do
      local number, one = tonumber(missing[i]), packed[i - first + 1]
      if one then loaded_slots[number] = unpack_slot(number, one) end
    end
  end
end

local function places_on(interface)
  local on = places_by_interface[interface]
  if on then return on end
  local packed = redis.call('GET', on_key(interface))
  on = { 0, 0, 0, 0, 0, stored = packed ~= false }
  for place = 1, packed and #packed / 4 or 0 do on[place] = struct.unpack('<I4', packed, place * 4 - 3) end
  places_by_interface[interface] = on
  return on
end

--- Whether the interface has a setting: `slots.ADVISE` or `slots.WRONG_IF`. Look at the interface first, so that a hold that
--- has ended has none.
function slots.is_set(interface, setting)
  if not router.members or router.members.settings == 0 then return false end
  return bit.band(places_on(interface)[SETTINGS], setting) ~= 0
end

local function replace_settings(on, settings)
  local members = router.members
  if on[SETTINGS] == 0 and settings ~= 0 then members.settings = members.settings + 1 end
  if on[SETTINGS] ~= 0 and settings == 0 then members.settings = members.settings - 1 end
  on[SETTINGS], on.changed, members.changed = settings, true, true
end

--- Gives the owner's hold of an interface a setting, or takes it away. Returns whether that is a change.
function slots.set(interface, setting, value)
  if slots.is_set(interface, setting) == value then return false end
  if not router.members then begin_members() end
  local on = places_on(interface)
  replace_settings(on, on[SETTINGS] + (value and setting or -setting))
  return true
end

--- New settings of an interface, as `<name>=<value>` between commas. `client`: nil for an operator.
function slots.settings_event(client, interface, settings, cause, by)
  local rev = next_rev()
  open_run = nil
  runs[#runs + 1] = { rev, 'interface-set', client and client.session or 0, client and client.protocol_id or 0,
    client and client.component_id or 0, cause, 0, by and by.actor or '', by and by.why or '', {}, { interface },
    by and by.caller or client and client.identity or '', settings }
  return rev
end

--- What a membership that IGMP adds now counts for, beside this owner.
function slots.counts_for_owner(interface, owner)
  return slots.is_set(interface, slots.ADVISE) and owner.number + counted.ADVISED or owner.number
end

--- Nothing if all are 0; zeros at the end are left out, but for the first two.
local function pack_places(on)
  local last = 0
  for place = 1, NUMBERS do
    if on[place] ~= 0 then last = place end
  end
  if last == 0 then return nil end
  local numbers = {}
  for place = 1, math.max(2, last) do numbers[place] = struct.pack('<I4', on[place]) end
  return table.concat(numbers)
end

--- The owner of an interface, or IGMP on it, changed.
function slots.note_owner(interface)
  local members = router.members
  if not members then return end
  view_tasks.note_owner(interface)
  local has_statics = members.homes > 0 and places_on(interface)[slots.HOME] ~= 0
  if has_statics then view_tasks.add_always('s' .. interface) end
end

--- The present slot of the client in this place of an interface, or nil.
function slots.present(interface, place)
  local number = places_on(interface)[place]
  return number ~= 0 and slots.get(number) or nil
end

local function next_number()
  local state = router.members
  if taken_count == #free_numbers and state.slots < state.next_slot - 1 then
    local more = redis.call('LRANGE', free_key, taken_count, taken_count + 63)
    for i = 1, #more do free_numbers[#free_numbers + 1] = tonumber(more[i]) end
  end
  if taken_count < #free_numbers then
    taken_count = taken_count + 1
    return free_numbers[taken_count]
  end
  state.next_slot = state.next_slot + 1
  return state.next_slot - 1
end

--- The record of a client is kept while a slot names it. The number is 0 for none.
local function count_slot(number, by)
  if number == 0 then return end
  local client = load_client(number)
  local member = member_of(client)
  member.slots, member.changed = member.slots + by, true
  if client.state == 'ended' then client.requeue = true end
end

--- A slot names its holder and the client that it counts for.
local function count_clients(slot, by)
  count_slot(slot.holder, by)
  local other = counted.client_behind(slot.counts_for)
  if other ~= slot.holder then count_slot(other, by) end
end

--- A slot for a hold that has none.
function slots.allot(interface, place, client, counts_for, epoch, owner_epoch)
  local state = router.members
  local number = next_number()
  local slot = { number = number, interface = interface, place = place, holder = client.number,
    counts_for = counts_for, epoch = epoch, owner_epoch = owner_epoch, count = 0, named = 0, void = 0, cause = '',
    window = 0, filters = 0 }
  loaded_slots[number] = slot
  local on = places_on(interface)
  on[place], on.changed = number, true
  state.slots = state.slots + 1
  if place == slots.HOME then state.homes = state.homes + 1 end
  count_clients(slot, 1)
  return slot
end

--- Counts a membership of the slot, and keeps the name of its entry while there are few.
function slots.join(slot, name)
  slot.count, slot.changed = slot.count + 1, true
  if slot.named == COLLECTING then return slots.join_collecting(slot, name) end
  if slot.named == UNNAMED then return end
  slot.named = slot.named + 1
  if slot.named > NAMES_MAX then
    slot.named, slot.names, slot.added, slot.removed, slot.relisted = UNNAMED, nil, nil, nil, nil
    return
  end
  local added = slot.added
  if not added then
    added = {}
    slot.added = added
  end
  added[#added + 1] = name
end

--- The names of the entries of a slot, or nil if it has, or had, too many.
function slots.names(slot)
  if slot.named < 0 then return nil end
  if not slot.names then slot.names = slot.stored and redis.call('GET', names_key(slot.number)) or ',' end
  return slot.names
end

function slots.leave(slot, name)
  slot.count, slot.changed = slot.count - 1, true
  if slot.filters > 0 then excludes.set(slot, name, '') end
  if slot.named == COLLECTING then return slots.remove_name(slot, name) end
  if slot.named == UNNAMED then return slots.relist_if_few(slot) end
  -- The last one: no name is left, whatever is stored.
  if slot.count == 0 then
    slot.named, slot.names, slot.added, slot.removed, slot.relisted = 0, ',', nil, nil, true
    return
  end
  slots.names(slot)
  slot.named = slot.named - 1
  local removed = slot.removed
  if not removed then
    removed = {}
    slot.removed = removed
  end
  removed[#removed + 1] = name
end

--- Names of a void slot that a sweep could not account for: a pass over all entries finds its memberships.
function slots.forget_names(slot)
  if slot.named < 0 then return end
  slot.named, slot.changed = UNNAMED, true
  if slot.void == 0 then return end
  router.members.unnamed = router.members.unnamed + 1
  slot.forgotten = true
end

local function withdraw(interface, on, place, cause, window)
  local number = on[place]
  if number == 0 then return end
  local slot, state = slots.get(number), router.members
  on[place], on.changed = 0, true
  note_outstanding()
  slot.void, slot.cause, slot.window, slot.changed = 1, cause, window, true
  slot.voided_at = router.rev
  state.voids = state.voids + 1
  if slot.named == COLLECTING then slot.named, slot.relisted = UNNAMED, nil end
  if slot.named < 0 then state.unnamed = state.unnamed + 1 end
  voided[number] = true
end

--- Static memberships that count for a client become dormant.
local function withdraw_statics(interface, on, client, cause, window)
  local number = on[slots.STATIC]
  if number ~= 0 and slots.get(number).counts_for == client.number then
    withdraw(interface, on, slots.STATIC, cause, window)
  end
end

--- A hold of a client on the interface ends: its memberships are withdrawn. With the owner's hold, IGMP's memberships are,
--- too (5.4). `has_igmp`: IGMP stays there.
function slots.withdraw(interface, place, cause, client, has_igmp)
  local members = router.members
  if not members or members.slots == 0 and members.settings == 0 then return end
  local on = places_on(interface)
  withdraw_statics(interface, on, client, cause, has_igmp and 1 or 0)
  if place == slots.OWNER then
    if on[SETTINGS] ~= 0 then replace_settings(on, 0) end
    withdraw(interface, on, slots.OWNER, cause, 0)
    withdraw(interface, on, slots.IGMP, cause, 1)
  else
    withdraw(interface, on, slots.IGMP, cause, 0)
  end
end

--- A routing protocol takes an interface on which IGMP is (5.4), or its owner changes for whom IGMP's memberships count.
function slots.open_window(interface, cause, igmp)
  if not router.members or router.members.slots == 0 then return end
  local on = places_on(interface)
  withdraw(interface, on, slots.IGMP, cause, 1)
  withdraw_statics(interface, on, igmp, cause, 1)
end

--- The void slots among all: the bitmap, and what this batch changed.
function slots.void_bitmap()
  if not void_bits then void_bits = redis.call('GET', void_key) or '' end
  return void_bits, voided
end

function slots.is_void(number)
  local changed = voided[number]
  if changed ~= nil then return changed end
  if not void_bits then void_bits = redis.call('GET', void_key) or '' end
  local byte = string.byte(void_bits, math.floor(number / 8) + 1)
  return byte ~= nil and bit.band(byte, bit.rshift(128, number % 8)) ~= 0
end

--- Void slots whose entries are known by name, oldest first; and the revision at which the oldest became void, or nil.
function slots.oldest_void(most)
  local found = redis.call('ZRANGE', voided_key, 0, most - 1, 'WITHSCORES')
  local numbers = {}
  for i = 1, #found, 2 do numbers[#numbers + 1] = tonumber(found[i]) end
  return numbers, tonumber(found[2])
end

local freed_slots

--- Decides which slots are free from now on. Reads the last of what a commit needs.
function slots.finish()
  freed_slots = {}
  local state = router.members
  for number, slot in pairs(loaded_slots) do
    if slot.changed and slot.count == 0 then
      freed_slots[#freed_slots + 1] = slot
      slot.freed = true
      state.slots = state.slots - 1
      if slot.place == slots.HOME then state.homes = state.homes - 1 end
      if slot.void == 0 then
        local on = places_on(slot.interface)
        if on[slot.place] == number then on[slot.place], on.changed = 0, true end
      else
        state.voids = state.voids - 1
        if slot.named < 0 then state.unnamed = state.unnamed - 1 end
        voided[number] = false
      end
      count_clients(slot, -1)
    end
  end
  if state.slots == 0 then state.next_slot = 1 end
end

function slots.check_types()
  redis.call('HLEN', slots_key)
  redis.call('LLEN', free_key)
  redis.call('ZCARD', voided_key)
  redis.call('STRLEN', void_key)
end

--- The names as one text, each between commas.
local function names_after(slot)
  local names = slot.names or ','
  if slot.added then names = names .. table.concat(slot.added, ',') .. ',' end
  local removed = slot.removed or {}
  for i = 1, #removed do
    local from, to = string.find(names, ',' .. removed[i] .. ',', 1, true)
    if from then names = string.sub(names, 1, from) .. string.sub(names, to + 1) end
  end
  return names
end

--- The names of the entries of a slot as of this point of the batch, or nil if it has, or had, too many.
function slots.names_now(slot)
  return slots.names(slot) and names_after(slot)
end

local function save_names(slot)
  local key = names_key(slot.number)
  if slot.named == UNNAMED then
    redis.call('DEL', key)
  elseif slot.removed or slot.relisted then
    redis.call('SET', key, names_after(slot))
  elseif slot.added then
    local start = slot.named == #slot.added and ',' or ''
    redis.call('APPEND', key, start .. table.concat(slot.added, ',') .. ',')
  end
end

--- `settled`: the numbers that leave the queue of void slots.
local function save_void(slot, settled)
  local number = text(slot.number)
  if slot.freed or slot.forgotten then
    if slot.void == 1 then settled[#settled + 1] = number end
  elseif slot.voided_at and slot.named >= 0 then
    redis.call('ZADD', voided_key, text(slot.voided_at), number)
  end
end

function slots.save()
  local state = router.members
  local kept, gone, numbers, settled, unused = {}, {}, {}, {}, {}
  if taken_count > 0 then redis.call('LTRIM', free_key, taken_count, -1) end
  for number, slot in pairs(loaded_slots) do
    if slot.freed then
      if slot.stored then gone[#gone + 1] = text(number) end
      if slot.stored and slot.named ~= UNNAMED then unused[#unused + 1] = names_key(number) end
      numbers[#numbers + 1] = text(number)
      save_void(slot, settled)
    elseif slot.changed then
      kept[#kept + 1] = text(number)
      kept[#kept + 1] = pack_slot(slot)
      save_names(slot)
      save_void(slot, settled)
    end
  end
  in_chunks(kept, function(...) redis.call('HSET', slots_key, ...) end)
  in_chunks(gone, function(...) redis.call('HDEL', slots_key, ...) end)
  in_chunks(unused, function(...) redis.call('DEL', ...) end)
  in_chunks(settled, function(...) redis.call('ZREM', voided_key, ...) end)
  if state.voids == 0 then
    if next(voided) then redis.call('DEL', void_key) end
  else
    for number, is_void in pairs(voided) do redis.call('SETBIT', void_key, number, is_void and 1 or 0) end
  end
  for interface, on in pairs(places_by_interface) do
    local packed = on.changed and pack_places(on)
    if packed then
      redis.call('SET', on_key(interface), packed)
    elseif on.changed and on.stored then
      redis.call('DEL', on_key(interface))
    end
  end
  if state.slots == 0 then
    redis.call('DEL', free_key)
  else
    in_chunks(numbers, function(...) redis.call('RPUSH', free_key, ...) end)
  end
end
