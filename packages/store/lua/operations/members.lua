--- A page of the memberships (membership contract, section 4.4), entry by entry, those of an entry in the order of their slots.
---
--- @arg   from      string    the first entry that is wanted, '' for all
--- @arg   to        string    the last one, '' for all
--- @arg   after     string    where the page before ended: the entry,
--- @arg   slot      integer   and the slot to begin with, 0 if the entry is complete
--- @arg   limit     integer
--- @arg   session   integer   only its memberships, and IGMP's on interfaces that it owns; 0 for all
--- @arg   interface string    only those on it; '' for all
--- @reply page items:member_item[] after:string slot:integer
--- @shape member_item entry:string interface:interface session:session? counts_for:session? exclude:string
--- @exclusive
--- @read
--- @include lib/statics.lua

--- A page stops before 512 KiB: the address of an exclude list grows to about twice its hexadecimal digits.
local LISTS_MAX = 150000

--- Entries that one page looks at: more than it lists where a filter leaves out most.
local STEPS = 1000

--- What a page lists of an entry; nil for none of a pair, true for all, else the only slot.
local function filter_of(session, interface)
  local client = session ~= 0 and find_client('s:' .. text(session)) or nil
  local present = {}
  if interface ~= '' then
    look_at(interface)
    for _, place in ipairs({ slots.OWNER, slots.IGMP, slots.HOME }) do
      local slot = router.members and slots.present(interface, place)
      if slot then present[#present + 1] = slot end
    end
  end
  return function(pair)
    local holder, counts_for = pair[HOLDER], pair[COUNTS_FOR]
    -- Static memberships are listed by their home slots.
    if holder == 0 and (session ~= 0 or counts_for ~= 0) then return nil end
    if session ~= 0 and (not client or client.number ~= holder and client.number ~= counted.client_behind(counts_for)) then return nil end
    if interface == '' then return true end
    for i = 1, #present do
      if present[i].holder == holder and present[i].counts_for == counts_for then return present[i].number end
    end
  end
end

--- The present slots of a pair.
local function present_slots(pair)
  local all = entries.slots_of(pair)
  local withdrawn = entries.may_be_withdrawn() and entries.withdrawn_of(pair) or {}
  if #withdrawn == 0 then return all end
  local is_gone, present = {}, {}
  for i = 1, #withdrawn do is_gone[withdrawn[i]] = true end
  for i = 1, #all do
    if not is_gone[all[i]] then present[#present + 1] = all[i] end
  end
  return present
end

local function listed_slots(entry, wanted, first)
  local listed = {}
  for i = 1, #entry do
    local pair = entry[i]
    local only = wanted(pair)
    if type(only) == 'number' then
      if only >= first and entries.has(pair, only) then listed[#listed + 1] = only end
    elseif only then
      local present = present_slots(pair)
      for j = 1, #present do
        if present[j] >= first then listed[#listed + 1] = present[j] end
      end
    end
  end
  table.sort(listed)
  return listed
end

function operations.members(from, to, after, slot, limit, session, interface)
  local wanted = filter_of(session, interface)
  local first = from == '' and '-' or '[' .. from
  if after ~= '' then first = (slot > 0 and '[' or '(') .. after end
  local names = entries.names_from(first, to == '' and '+' or '[' .. to, STEPS)
  entries.load(names)
  local items, bytes = {}, 0
  for i = 1, #names do
    local name = names[i]
    local entry = entries.get(name)
    local listed = listed_slots(entry, wanted, name == after and slot or 0)
    for j = 1, #listed do
      if #items == limit or bytes > LISTS_MAX then return { 'page', items, name, listed[j] } end
      local one = slots.get(listed[j])
      local list = excludes.of(one, name)
      bytes = bytes + #list
      items[#items + 1] = { name, one.interface, counted.session(one.holder),
        counted.session(statics.client_of(entry, one)), list }
    end
  end
  return { 'page', items, #names == STEPS and names[#names] or '', 0 }
end
