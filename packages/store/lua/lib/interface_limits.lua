--- Settings of interfaces that operators make: limits of memberships, and `lite` (forwarding contract, section 10).
---
--- Memberships on an interface are counted by its slots. Groups are counted while there is a limit of them: `groups:<interface>`
--- has the number of memberships of each group. The count of a place is void once its slot is, so the groups are counted
--- anew at the next add. Up to 1000 entries are examined in that step, the others in slices of the sweep; until they are
--- done, the limit knows only the groups that were found.
---
--- @include lib/entries.lua

local interface_limits = {}

--- Entries that are examined in one step.
local COUNTED_AT_ONCE = 1000

--- Behind the names of all entries.
local ALL = 'g'

--- By interface: its settings, false for none; and by group the number of memberships, as far as it was read or changed.
local loaded_limits, loaded_groups

function interface_limits.begin()
  loaded_limits, loaded_groups = {}, {}
end

local function has_limited()
  return router.members ~= nil and router.members.limited > 0
end

--- `groups`: how many there are; `counted`: the places whose memberships are counted, by place; `position`: the last entry
--- that was examined.
local function unpack_limits(packed)
  local max_groups, max_entries, lite, groups, owner, igmp, position = cmsgpack.unpack(packed)
  return { max_groups = max_groups, max_entries = max_entries, lite = lite, groups = groups,
    counted = { [slots.OWNER] = owner == 1, [slots.IGMP] = igmp == 1 }, position = position, stored = true }
end

local function pack_limits(limits)
  return cmsgpack.pack(limits.max_groups, limits.max_entries, limits.lite, limits.groups,
    limits.counted[slots.OWNER] and 1 or 0, limits.counted[slots.IGMP] and 1 or 0, limits.position)
end

--- The settings of an interface, or nil if it has none.
function interface_limits.of(interface)
  if not has_limited() then return nil end
  if loaded_limits[interface] == nil then
    local packed = redis.call('GET', set_key(interface))
    loaded_limits[interface] = packed and unpack_limits(packed) or false
  end
  local limits = loaded_limits[interface]
  return limits and not limits.is_over and limits or nil
end

--- Whether exclude lists are ignored on an interface.
function interface_limits.is_lite(interface)
  local limits = interface_limits.of(interface)
  return limits ~= nil and limits.lite == 1
end

-- Counting groups.

--- The name of the (*,g) of an entry's group, nil for (*,*).
local function counted_group(name)
  if #name == 1 then return nil end
  return string.sub(name, 1, string.sub(name, 1, 1) == '4' and 9 or 33)
end

local function groups_of(interface)
  local groups = loaded_groups[interface]
  if not groups then
    groups = { counts = {} }
    loaded_groups[interface] = groups
  end
  return groups
end

--- How many memberships of a group are on an interface.
local function count_in(interface, group)
  local groups = groups_of(interface)
  local count = groups.counts[group]
  if not count then
    count = not groups.is_new and tonumber(redis.call('HGET', groups_key(interface), group) or 0) or 0
    groups.counts[group] = count
  end
  return count
end

local function add_count(interface, limits, name, by)
  local group = counted_group(name)
  if not group or by == 0 then return end
  local before = count_in(interface, group)
  groups_of(interface).counts[group], limits.changed = before + by, true
  if before == 0 then limits.groups = limits.groups + 1 end
  if before + by == 0 then limits.groups = limits.groups - 1 end
end

--- How many memberships of an entry these slots have.
local function count_of_slots(name, present)
  local entry, count = entries.get(name), 0
  for i = 1, #present do
    local slot = present[i]
    local pair = entries.pair(entry, slot.holder, slot.counts_for)
    if pair and entries.has(pair, slot.number) then count = count + 1 end
  end
  return count
end

local function present_on(interface)
  local present = {}
  for _, place in ipairs({ slots.OWNER, slots.IGMP, slots.HOME }) do
    present[#present + 1] = slots.present(interface, place)
  end
  return present
end

--- Looks at up to `most` further entries. Returns how many.
function interface_limits.count_more(interface, most)
  local limits = interface_limits.of(interface)
  if not limits or limits.max_groups == 0 or limits.position == ALL then return 0 end
  local present, from = present_on(interface), limits.position
  local names = #present > 0 and entries.names_from(from == '' and '-' or '(' .. from, '+', most) or {}
  limits.position, limits.changed = #names == most and names[most] or ALL, true
  entries.load(names)
  local unsaved = entries.unsaved_between(from, limits.position)
  for i = 1, #unsaved do names[#names + 1] = unsaved[i] end
  for i = 1, #names do add_count(interface, limits, names[i], count_of_slots(names[i], present)) end
  return #names
end

local function is_outdated(interface, limits)
  for place, is_counted in pairs(limits.counted) do
    if is_counted and not slots.present(interface, place) then return true end
  end
  return false
end

local function count_anew(interface, limits)
  loaded_groups[interface] = { counts = {}, is_new = true }
  limits.groups, limits.position, limits.counted, limits.changed = 0, '', {}, true
  if limits.max_groups == 0 then return end
  for _, place in ipairs({ slots.OWNER, slots.IGMP }) do
    limits.counted[place] = slots.present(interface, place) ~= nil
  end
  interface_limits.count_more(interface, COUNTED_AT_ONCE)
  if limits.position ~= ALL then view_tasks.add_always('g' .. interface) end
end

--- The settings if groups are limited, with a count that is not outdated; and whether they were counted just now.
local function counting_limits(interface)
  local limits = interface_limits.of(interface)
  if not limits or limits.max_groups == 0 then return nil end
  local is_new = is_outdated(interface, limits)
  if is_new then count_anew(interface, limits) end
  return limits, is_new
end

local function memberships_on(interface)
  local count, present = 0, present_on(interface)
  for i = 1, #present do count = count + present[i].count end
  return count
end

--- Whether a limit of the interface forbids a membership of this entry, or `count` ones of its group.
function interface_limits.forbids(interface, name, count)
  local limits = interface_limits.of(interface)
  if not limits then return false end
  local after = memberships_on(interface) + (count or 1)
  if limits.max_entries > 0 and after > limits.max_entries then return true end
  -- Also before a (*,*) is added: once the next hold has a slot, nothing tells that the groups of the former are counted.
  local is_counting = counting_limits(interface)
  local group = counted_group(name)
  if not group or not is_counting then return false end
  return limits.groups >= limits.max_groups and count_in(interface, group) == 0
end

--- A membership in this place is about to be created.
function interface_limits.note_joined(interface, place, name)
  local limits = counting_limits(interface)
  if not limits then return end
  if place ~= slots.HOME then limits.counted[place], limits.changed = true, true end
  if name <= limits.position then add_count(interface, limits, name, 1) end
end

--- A membership of this slot was deleted. Withdrawn memberships are not: see `is_outdated`.
function interface_limits.note_left(slot, name)
  local limits, is_new = counting_limits(slot.interface)
  if not limits then return end
  -- It is no longer among those that were counted just now.
  if not is_new and name <= limits.position then add_count(slot.interface, limits, name, -1) end
  if slot.count == 0 and slot.place ~= slots.HOME then limits.counted[slot.place] = false end
end

-- Changing settings.

--- Makes the given settings: numbers, nil for those that stay. Returns them as they were, and what changed as
--- `<name>=<value>`, between commas.
function interface_limits.set(interface, max_groups, max_entries, lite)
  if not router.members then begin_members() end
  local former = interface_limits.of(interface) or { max_groups = 0, max_entries = 0, lite = 0 }
  local limits = { max_groups = max_groups or former.max_groups, max_entries = max_entries or former.max_entries,
    lite = lite or former.lite, groups = former.groups or 0, counted = former.counted or {},
    position = former.position or '', stored = former.stored, changed = true }
  local changed = {}
  if limits.max_groups ~= former.max_groups then changed[1] = 'maxGroups=' .. text(limits.max_groups) end
  if limits.max_entries ~= former.max_entries then changed[#changed + 1] = 'maxEntries=' .. text(limits.max_entries) end
  if limits.lite ~= former.lite then changed[#changed + 1] = 'lite=' .. (limits.lite == 1 and 'true' or 'false') end
  if not changed[1] then return former, '' end
  local members = router.members
  local was, is = interface_limits.of(interface) ~= nil, limits.max_groups + limits.max_entries + limits.lite > 0
  members.limited, members.changed = members.limited + (is and 1 or 0) - (was and 1 or 0), true
  limits.is_over = not is
  loaded_limits[interface] = limits
  if limits.lite ~= former.lite and has_mfes() then
    view_tasks.add('madmin 4')
    view_tasks.add('madmin 6')
  end
  if (limits.max_groups == 0) ~= (former.max_groups == 0) then count_anew(interface, limits) end
  return former, table.concat(changed, ',')
end

local function save_groups(interface, groups)
  local key = groups_key(interface)
  if groups.is_new then redis.call('DEL', key) end
  local put, gone = {}, {}
  for group, count in pairs(groups.counts) do
    if count > 0 then
      put[#put + 1] = group
      put[#put + 1] = text(count)
    else
      gone[#gone + 1] = group
    end
  end
  in_chunks(put, function(...) redis.call('HSET', key, ...) end)
  in_chunks(gone, function(...) redis.call('HDEL', key, ...) end)
end

function interface_limits.save()
  for interface, limits in pairs(loaded_limits) do
    if limits and limits.is_over then
      redis.call('DEL', set_key(interface), groups_key(interface))
    elseif limits and limits.changed then
      redis.call('SET', set_key(interface), pack_limits(limits))
      if loaded_groups[interface] then save_groups(interface, loaded_groups[interface]) end
    end
  end
end
