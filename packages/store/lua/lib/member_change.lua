--- Adding and deleting memberships: what `member.add` and `member.delete` have in common (membership contract, section 4.2).
---
--- Each element is decided by itself, in order: the interface, the epoch, then the membership. `codes` say what section 2 of
--- the contract made of an element: 0 JOIN, 1 FORWARD of a wildcard, 2 FORWARD of an exact (s,g), more than 2 a refusal.
--- FORWARD changes no membership but overrides of forwarding entries. `member.set` replaces all memberships of a group on an
--- interface (forwarding contract, section 9).
---
--- @include lib/sequence.lua
--- @include lib/withdrawals.lua
--- @include lib/interface_limits.lua
--- @shape member_failure index:integer reason:string

local member_change = {}

local FORWARD, FORWARD_EXACT = 1, 2
--- Reasons of the elements that section 2 refuses, by code.
local INVALID = { [3] = 'group', [4] = 'source', [5] = 'flags', [6] = 'ssm' }

--- The hold of a client on an interface, or why there is none.
local function hold_on(client, interface, epoch)
  local record, owner, igmp = look_at(interface)
  if not owner and not igmp then return { refused = 'not_found' } end
  local hold
  if owner == client then
    hold = { place = slots.OWNER, epoch = record[OWNER_EPOCH], counts_for = client.number, owner_epoch = 0 }
  elseif igmp == client then
    hold = { place = slots.IGMP, epoch = record[IGMP_EPOCH], counts_for = client.number,
      owner_epoch = owner and record[OWNER_EPOCH] or 0, is_beside = owner ~= nil }
    if owner then hold.owner, hold.counts_for = owner.number, slots.counts_for_owner(interface, owner) end
  else
    return { refused = 'not_owner', holder = holder_shape(record, owner, igmp) }
  end
  hold.deciding_epoch = deciding_epoch(record, owner)
  hold.holder = hold.is_beside and holder_shape(record, owner, igmp) or nil
  local current = epoch_in_force(client, hold.epoch)
  if epoch ~= '' and epoch ~= text(current) then return { refused = 'other_epoch', current = current } end
  hold.slot = router.members and slots.present(interface, hold.place)
  return hold
end

--- A JOIN of the client that decides for the interface, also a repeated one, ends its vetoes.
local function undo_vetoes(client, hold, interface, entry)
  if not hold.is_beside then mfe_changes.undo_vetoes(interface, client.number, hold.deciding_epoch, entry.name) end
end

--- Returns whether a membership was created; or nil, and why it is refused.
local function add(client, hold, interface, entry)
  purge(entry)
  notified.retarget(entry.name, entry, 'iif-moved', 0)
  local slot = hold.slot
  local pair = slot and entries.pair(entry, client.number, hold.counts_for)
  if pair and entries.has(pair, slot.number) then
    undo_vetoes(client, hold, interface, entry)
    return false
  end
  local members = router.members
  if not entry.counted and members.entries >= router.limits.entries then return nil, 'limit' end
  if interface_limits.forbids(interface, entry.name) then return nil, 'limit' end
  if not slot then
    if members.slots >= slots.MOST then return nil, 'limit' end
    slot = slots.allot(interface, hold.place, client, hold.counts_for, hold.epoch, hold.owner_epoch)
    hold.slot = slot
  end
  local name = entry.name
  if hold.is_beside then
    alerts.send('LOCAL_JOIN', 'member', 0, name .. ' ' .. interface, hold.owner)
  end
  mfe_changes.note(name, 'member')
  undo_vetoes(client, hold, interface, entry)
  interface_limits.note_joined(interface, hold.place, name)
  slots.join(slot, name)
  if pair then
    entries.insert(entry, slot)
    member_log.event('joined', slot, name, 'member')
    return true
  end
  local before = entries.copy(entry)
  entries.insert(entry, slot)
  member_log.event('joined', slot, name, 'member')
  raise(name, before, entry, 'member', 0)
  return true
end

local function delete(client, hold, interface, entry)
  purge(entry)
  notified.retarget(entry.name, entry, 'iif-moved', 0)
  local slot = hold.slot
  local pair = slot and entries.pair(entry, client.number, hold.counts_for)
  if not pair or not entries.has(pair, slot.number) then return nil, 'no_membership' end
  local name = entry.name
  if hold.is_beside then
    alerts.send('LOCAL_LEAVE', 'member', 0, name .. ' ' .. interface, hold.owner)
  end
  mfe_changes.note(name, 'member')
  local before = pair[COUNT] == 1 and entries.copy(entry)
  slots.leave(slot, name)
  entries.remove(entry, pair, slot.number)
  interface_limits.note_left(slot, name)
  member_log.event('left', slot, name, 'member')
  if before then raise(name, before, entry, 'member', 0, interface) end
  return true
end

--- Returns whether an override changed, or nil and why it is refused; and how many forwarding entries it covers.
local function override_by(change, client, hold, interface, entry, code)
  if hold.is_beside then return nil, 'not_owner', 0 end
  purge(entry)
  local kind = change == add and overrides.ON or overrides.OFF
  local matched, is_changed = mfe_changes.override(kind, interface, client.number, hold.deciding_epoch, entry.name)
  if code == FORWARD_EXACT and matched == 0 then return nil, 'no_mfe', 0 end
  return is_changed, nil, matched
end

local function is_forward(code)
  return code == FORWARD or code == FORWARD_EXACT
end

local function decide_element(change, client, hold, interface, name, code)
  if INVALID[code] then return nil, INVALID[code] end
  if hold.refused then return nil, hold.refused end
  local entry = entries.get(name)
  if is_forward(code) then return override_by(change, client, hold, interface, entry, code) end
  return change(client, hold, interface, entry)
end

--- Whether the request may add a rule of overrides although there are as many as there may be.
local function needs_rule(operation, codes)
  if not overrides.are_full() then return false end
  for i = 1, #codes do
    if operation == 'member_add' or is_forward(codes[i]) then return true end
  end
  return false
end

--- The refusal of the only element of a request names the holder or the epoch.
local function refusal_of(hold, reason)
  if reason == 'not_owner' then return { 'not_owner', hold.holder } end
  if reason == 'other_epoch' then return { 'other_epoch', hold.current } end
end

function member_change.list(operation, client, seq, interfaces, names, codes, epoch, single)
  if not router.members then begin_members() end
  if needs_rule(operation, codes) then return { 'rules_full' } end
  local change = operation == 'member_add' and add or delete
  local holds, count, failed, refused, forwarded = {}, 0, {}, nil, nil
  for i = 1, #interfaces do
    local interface = interfaces[i]
    local hold = holds[interface]
    if not hold then
      hold = hold_on(client, interface, epoch)
      holds[interface] = hold
    end
    local is_changed, reason, matched = decide_element(change, client, hold, interface, names[i], codes[i])
    if is_changed then
      count = count + 1
      router.members.changed = true
    elseif reason then
      failed[#failed + 1] = { i - 1, reason }
      refused = single == 1 and refusal_of(hold, reason)
    end
    if matched and single == 1 and not reason then
      forwarded = { 'forwarded', matched, is_changed and 1 or 0, router.members.mrev }
    end
  end
  mfe_changes.close()
  return remember(client, operation, seq, refused or forwarded or { 'changed', count, router.members.mrev, failed })
end

--- The memberships that a client has of a group on an interface, after the purge of these and of the wanted ones; and how many
--- entries the wanted ones would add.
local function purged_entries(hold, group, wanted)
  local present, is_present, new = hold.slot and entries.of_slot(hold.slot, group) or {}, {}, 0
  entries.load(present)
  notified.load(present)
  for i = 1, #present do
    is_present[present[i]] = true
    purge(entries.get(present[i]))
  end
  for i = 1, #wanted do
    local entry = entries.get(wanted[i])
    if not is_present[wanted[i]] then purge(entry) end
    if not entry.counted then new = new + 1 end
  end
  return present, new
end

--- Whether the interface can hold what is not there, and the router this many more entries, and a slot where there is none.
local function has_room(hold, interface, group, present, wanted, new)
  local members, is_present, joining = router.members, {}, 0
  for i = 1, #present do is_present[present[i]] = true end
  for i = 1, #wanted do
    if not is_present[wanted[i]] then joining = joining + 1 end
  end
  if joining > 0 and interface_limits.forbids(interface, group, joining) then return false end
  if new > 0 and members.entries + new > router.limits.entries then return false end
  return hold.slot ~= nil or #wanted == 0 or members.slots < slots.MOST
end

--- Replaces the exclude list of a (*,g) that the client has. Returns whether it changed.
local function replace_list(hold, interface, group, list)
  if not excludes.set(hold.slot, group, list) then return false end
  if hold.is_beside then
    alerts.send('LOCAL_UPDATE', 'member', 0, group .. ' ' .. interface .. ' ' .. list, hold.owner)
  end
  mfe_changes.note(group, 'member')
  member_log.event('updated', hold.slot, group, 'member', list)
  return true
end

local function replace_all(client, hold, interface, group, wanted, list)
  local present, new = purged_entries(hold, group, wanted)
  if not has_room(hold, interface, group, present, wanted, new) then return { 'limit' } end
  local is_wanted, added, removed, updated = {}, 0, 0, 0
  for i = 1, #wanted do
    is_wanted[wanted[i]] = true
    if add(client, hold, interface, entries.get(wanted[i])) then added = added + 1 end
  end
  if is_wanted[group] and replace_list(hold, interface, group, list) then updated = 1 end
  for i = 1, #present do
    local name = present[i]
    if not is_wanted[name] and delete(client, hold, interface, entries.get(name)) then removed = removed + 1 end
  end
  router.members.changed = true
  return { 'replaced', added, removed, updated, router.members.mrev }
end

--- `group`: the name of its (*,g). `wanted`: the names of the entries that the client has there afterwards. `list`: the exclude
--- list of the (*,g), if that is wanted.
function member_change.replace(client, seq, interface, group, wanted, list, epoch)
  if not router.members then begin_members() end
  local hold = hold_on(client, interface, epoch)
  local reply
  if hold.refused == 'not_found' then
    reply = { 'not_found' }
  else
    reply = refusal_of(hold, hold.refused) or replace_all(client, hold, interface, group, wanted, list)
  end
  mfe_changes.close()
  return remember(client, 'member_set', seq, reply)
end
