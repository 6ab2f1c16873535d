--- Purges: withdrawn memberships are removed, with the events and alerts that follow (membership contract, section 5.5).
---
--- @include lib/member_log.lua
--- @include lib/relisting.lua
--- @include lib/notified.lua
--- @include lib/mfe_changes.lua

--- A sweep counts this many removed memberships of an entry as one more entry: they take about as long.
local REMOVED_AS_ONE = 4

--- A pass counts this many entries without withdrawn memberships as one, and reads no fewer entries at a time.
local QUIET_AS_ONE, READ_LEAST = 4, 8

--- Lengths of the names that raise JOIN and PRUNE: (*,*), and (*,g) of IPv4 and IPv6.
local RAISES = { [1] = true, [9] = true, [33] = true }

--- The clients that are in every pair: at most two. Others want the entry, for a client, unless it is one of them.
local function in_every(pairs)
  local first = pairs[1]
  local a, b = first[HOLDER], first[COUNTS_FOR]
  if b == a then b = nil end
  for i = 2, #pairs do
    local holder, counts_for = pairs[i][HOLDER], pairs[i][COUNTS_FOR]
    if a ~= holder and a ~= counts_for then a = nil end
    if b ~= holder and b ~= counts_for then b = nil end
  end
  return a, b
end

--- The memberships of the wider entry, (*,*) for (*,g).
local function wider_pairs(name)
  if #name == 1 then return {} end
  return entries.present_pairs(entries.get(string.sub(name, 1, 1)))
end

--- PRUNE to everyone but these, with `covered` as it is for each.
local function prune_everyone(name, from, cause, window, a, b)
  local item = name .. ' ' .. from .. ' '
  local wider = wider_pairs(name)
  if #wider == 0 then return alerts.broadcast('PRUNE_ALERT', cause, window, item .. '0', a, b) end
  local c, d = in_every(wider)
  alerts.broadcast('PRUNE_ALERT', cause, window, item .. '1', a, b, c, d)
  if c and c ~= a and c ~= b then alerts.send('PRUNE_ALERT', cause, window, item .. '0', c) end
  if d and d ~= a and d ~= b then alerts.send('PRUNE_ALERT', cause, window, item .. '0', d) end
end

local function prune_one(name, from, cause, window, number)
  local wider = wider_pairs(name)
  local covered = '0'
  if #wider > 0 then
    local c, d = in_every(wider)
    if number ~= c and number ~= d then covered = '1' end
  end
  alerts.send('PRUNE_ALERT', cause, window, name .. ' ' .. from .. ' ' .. covered, number)
end

--- The JOIN and PRUNE alerts of a change of an entry's pairs. `from`: an interface where a membership was removed.
local function raise(name, before, after, cause, window, from)
  before, after = entries.counting(before), entries.counting(after)
  if not RAISES[#name] then return notified.retarget(name, after, cause, window, from) end
  if #before == 0 and #after == 0 then return end
  if #before == 0 then
    local a, b = in_every(after)
    return alerts.broadcast('JOIN_ALERT', cause, 0, name, a, b)
  end
  local a, b = in_every(before)
  if #after == 0 then return prune_everyone(name, from, cause, window, a, b) end
  local c, d = in_every(after)
  if a and a ~= c and a ~= d then alerts.send('JOIN_ALERT', cause, 0, name, a) end
  if b and b ~= c and b ~= d then alerts.send('JOIN_ALERT', cause, 0, name, b) end
  if c and c ~= a and c ~= b then prune_one(name, from, cause, window, c) end
  if d and d ~= a and d ~= b then prune_one(name, from, cause, window, d) end
end

--- LOCAL alerts go to the owner of the interface while the hold lasts under which IGMP added the membership.
local function tell_owner(type, slot, name, cause)
  if slot.owner_epoch == 0 then return end
  local record, owner = look_at(slot.interface)
  if not owner or record[OWNER_EPOCH] ~= slot.owner_epoch then return end
  alerts.send(type, cause, 0, name .. ' ' .. slot.interface, owner.number)
end

--- Why a slot's memberships are withdrawn, and whether it is a window.
local function cause_of(slot)
  -- The client of an active static membership has ended: what it held here is removed first.
  if slot.holder == 0 then look_at(slot.interface) end
  if slot.void == 1 then return slot.cause, slot.window end
  local holder = load_client(slot.holder)
  if holder and holder.state ~= 'ended' then return load_client(counted.client_behind(slot.counts_for)).end_cause, 1 end
  return holder.end_cause, 0
end

--- Memberships from before the store lost data end without alerts: their holders register and add again.
local function is_silent(slot)
  return slot.epoch < router.reset_epoch
end

--- One withdrawn membership: its event, its LOCAL alert, and what it contributes to the alerts of the purge.
local function remove_withdrawn(change, slot, name)
  local cause, window = cause_of(slot)
  -- A static membership is dormant now, and stays.
  if slot.holder ~= 0 then
    member_log.event('left', slot, name, cause)
    if window == 0 then tell_owner('LOCAL_LEAVE', slot, name, cause) end
  end
  local opens = window == 1 and (cause == 'take' or cause == 'release')
  if not change.cause or opens and change.window == 0 then change.cause = cause end
  if opens then change.window = 1 end
  change.from = change.from or slot.interface
  change.is_silenced = change.is_silenced and is_silent(slot)
  slots.leave(slot, name)
end

--- Removes all withdrawn memberships of an entry. Returns how many.
local function purge(entry)
  if #entry == 0 or not entries.may_be_withdrawn() then return 0 end
  local withdrawn, before, count = {}, {}, 0
  for i = 1, #entry do
    before[i], withdrawn[i] = entry[i], entries.withdrawn_of(entry[i])
    count = count + #withdrawn[i]
  end
  if count == 0 then return 0 end
  local name, change = entry.name, { window = 0, is_silenced = true }
  for i = 1, #before do
    local numbers = withdrawn[i]
    if #numbers > 1 then slots.load(numbers) end
    for j = 1, #numbers do remove_withdrawn(change, slots.get(numbers[j]), name) end
    entries.remove_all(entry, before[i], numbers)
  end
  mfe_changes.note(name, change.cause)
  -- The client notified of an (s,g) has ended with the data, and must be forgotten.
  if not change.is_silenced or not RAISES[#name] then
    raise(name, before, entry, change.cause, change.window, change.from)
  end
  return count
end

--- A round is complete when everything withdrawn before it began has been purged: then `settled` may follow.
local function finish_round(oldest)
  local members = router.members
  if members.ending > 0 or oldest and oldest <= members.round then return end
  if members.unnamed > 0 and members.passed < members.round then return end
  members.settled, members.round, members.changed = members.round, router.rev, true
end

--- Purges the entries of void slots that are known by name. Returns how many more entries may be examined.
local function purge_named(numbers, left)
  for i = 1, #numbers do
    local slot = slots.get(numbers[i])
    local names = {}
    for name in string.gmatch(slot.count > 0 and slots.names(slot) or '', '[^,]+') do
      if #names == left then break end
      names[#names + 1] = name
    end
    entries.load(names)
    for j = 1, #names do
      left = math.max(0, left - 1 - math.floor(purge(entries.get(names[j])) / REMOVED_AS_ONE))
    end
    if left == 0 then break end
    if slot.count > 0 then slots.forget_names(slot) end
  end
  return left
end

--- Purges an entry if anything of it is withdrawn. Returns what that costs, in entries.
local function purge_cost(name)
  if entries.is_quiet(name) then return 1 / QUIET_AS_ONE end
  return 1 + math.floor(purge(entries.get(name)) / REMOVED_AS_ONE)
end

--- Goes on with the pass over all entries, for slots that have too many for a list of names.
local function purge_next(left)
  local members = router.members
  if members.position == '' then members.pass = router.rev end
  members.changed = true
  repeat
    local most = math.ceil(left)
    local names = entries.names_from(members.position == '' and '-' or '(' .. members.position, '+', most)
    entries.load(names)
    for i = 1, #names do
      members.position = names[i]
      left = left - purge_cost(names[i])
      if left <= 0 then return end
    end
    if #names < most then
      members.position, members.passed = '', members.pass
      return
    end
  until left < READ_LEAST
end

--- Looks at up to `most` entries for memberships of slots whose names are listed again. Returns whether there is more to do.
local function relist_slice(most)
  local waiting, are_any = slots.relisted()
  if not are_any then return false end
  local to = router.members.relisted_to
  local names = entries.names_from(to == '' and '-' or '(' .. to, '+', most)
  entries.load(names)
  for i = 1, #names do
    local entry = entries.get(names[i])
    for number, slot in pairs(waiting) do
      local pair = entries.pair(entry, slot.holder, slot.counts_for)
      if pair and entries.has(pair, number) then slots.add_name(slot, names[i]) end
    end
  end
  slots.relisted_up_to(#names < most and '' or names[#names])
  return #router.members.relisted > 0
end

--- Purges up to `most` entries. Returns whether there may be more to do.
local function settle_slice(most)
  local members = router.members
  if not members then return false end
  if members.voids == 0 and members.ending == 0 then return relist_slice(most) end
  local numbers, oldest = slots.oldest_void(most)
  finish_round(oldest)
  local left = purge_named(numbers, most)
  if left > 0 and members.unnamed > 0 then
    purge_next(left)
    left = 0
  end
  mfe_changes.close()
  return left < most
end
