--- Outgoing interfaces of forwarding entries, derived from memberships at every read (forwarding contract, section 5.2).
---
--- @include lib/mfes.lua
--- @include lib/interface_limits.lua
--- @shape mfe name:string incarnation:integer iif:interface? epoch:epoch? protocol_id:integer session:integer neighbour:string prefix:string? route_protocol:integer up_ms:integer expires_in_ms:integer timeout_ms:integer oifs:string oif_count:integer alerted:flag

local oifs = {}

--- Of more, a listing shows the first ones.
local LISTED_MAX = 16384

--- Those of an entry without memberships.
local NO_OUTLETS = { all = {}, filtered = {} }

--- The interfaces of an entry's present memberships, and for each the client that the membership counts for; in `filtered`
--- those with an exclude list. `memo` keeps it for the entries of one walk, during which no membership changes.
local function outlets_of(name, memo)
  local outlets = memo[name]
  if outlets then return outlets end
  local entry = entries.get(name)
  if not entry[1] then return NO_OUTLETS end
  outlets = { all = {}, filtered = {} }
  local counting = entries.counting(entry)
  local may_be_withdrawn = entries.may_be_withdrawn()
  for i = 1, #counting do
    local pair, withdrawn = counting[i], {}
    local numbers = entries.slots_of(pair)
    slots.load(numbers)
    local gone = may_be_withdrawn and entries.withdrawn_of(pair) or {}
    for j = 1, #gone do withdrawn[gone[j]] = true end
    for j = 1, #numbers do
      local slot = slots.get(numbers[j])
      local list = not withdrawn[slot.number] and excludes.of(slot, name)
      if list == '' or list and interface_limits.is_lite(slot.interface) then
        outlets.all[slot.interface] = pair[COUNTS_FOR]
      elseif list then
        outlets.filtered[#outlets.filtered + 1] = { slot.interface, pair[COUNTS_FOR], list }
      end
    end
  end
  memo[name] = outlets
  return outlets
end

local function by_number(one, other)
  if one[2] ~= other[2] then return one[2] < other[2] end
  return one[1] < other[1]
end

--- The names of interfaces, by number and next hop.
local function in_order(found)
  local first = next(found)
  if not first then return {} end
  if not next(found, first) then return { first } end
  local rows, names = {}, {}
  for interface in pairs(found) do
    rows[#rows + 1] = { interface, tonumber(string.match(interface, '^%d+')) }
  end
  table.sort(rows, by_number)
  for i = 1, #rows do names[i] = rows[i][1] end
  return names
end

--- Adds the interfaces that are *on*, and removes those that are *off*.
local function override(mfe, found)
  for interface, one in pairs(mfe.on) do
    if interface ~= mfe.iif and overrides.holds(interface, one) then found[interface] = overrides.decider_of(one) end
  end
  for interface, one in pairs(mfe.off) do
    if found[interface] and overrides.holds(interface, one) then found[interface] = nil end
  end
end

--- The outgoing interfaces of an MFE in order, and the first one that its owner does not hold, '' for none.
function oifs.of(mfe, memo)
  if mfe.iif == '' then return {}, '' end
  local family, group, source = parts_of(mfe.name)
  local found = {}
  for _, name in ipairs({ family, family .. group, mfe.name }) do
    local outlets = outlets_of(name, memo)
    for interface, client in pairs(outlets.all) do
      if interface ~= mfe.iif then found[interface] = client end
    end
    for i = 1, #outlets.filtered do
      local interface, client, list = unpack(outlets.filtered[i])
      if interface ~= mfe.iif and not excludes.has(list, source) then found[interface] = client end
    end
  end
  override(mfe, found)
  local names = in_order(found)
  for i = 1, #names do
    if found[names[i]] ~= mfe.owner then return names, names[i] end
  end
  return names, ''
end

--- An MFE as replies and pushes carry it.
function oifs.shape(mfe, names)
  local client, epoch = mfes.owner_of(mfe)
  local listed = #names <= LISTED_MAX and table.concat(names, ',') or table.concat(names, ',', 1, LISTED_MAX)
  return { mfe.name, mfe.incarnation, mfe.iif, epoch or 0, client and client.protocol_id or 0,
    client and client.session or 0, mfe.neighbour, mfe.prefix, mfe.protocol, service_now - mfe.created,
    mfes.expires_at(mfe) - service_now, mfe.timeout, listed, #names, mfe.foreign ~= '' and 1 or 0 }
end
