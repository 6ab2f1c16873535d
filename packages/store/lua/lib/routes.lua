--- Routes: the multicast view (forwarding contract, section 3).
---
--- A prefix is named by its family, its network in hexadecimal and its length as two hexadecimal digits. It has one route per
--- client. A lookup reads one field per prefix length in use, so its cost does not depend on the number of routes.
---
--- Routes of an ended client do not count from that instant on; the sweep removes them.
---
--- @include lib/interfaces.lua
--- @include lib/source_index.lua

local routes = {}

--- Positions in a route.
local VIA, NEIGHBOUR, ROUTE_PROTOCOL, PREFERENCE = 2, 3, 4, 5

--- By prefix: its routes, or their packed text until they are read; false for none.
local loaded_prefixes
--- Prefixes that this batch changed; by interface and by client, prefixes that came (true) or went (false).
local changed_prefixes, via_changes, route_changes
--- By source: its best route. By family: the prefix lengths in use, longest first.
local found_routes, lengths_by_family

function routes.begin()
  loaded_prefixes, changed_prefixes, via_changes, route_changes = {}, {}, {}, {}
  found_routes, lengths_by_family = {}, {}
end

--- Reads prefixes with one command.
function routes.load(names)
  local missing = {}
  for i = 1, #names do
    if names[i] ~= '' and loaded_prefixes[names[i]] == nil then
      missing[#missing + 1] = names[i]
      loaded_prefixes[names[i]] = false
    end
  end
  if not missing[1] then return end
  local packed = redis.call('HMGET', rib_key, unpack(missing))
  for i = 1, #missing do loaded_prefixes[missing[i]] = packed[i] end
end

--- The routes of a prefix; an empty list if it has none.
function routes.of(name)
  local list = loaded_prefixes[name]
  if list == nil then
    routes.load({ name })
    list = loaded_prefixes[name]
  end
  if type(list) ~= 'table' then
    list = list and cmsgpack.unpack(list) or {}
    loaded_prefixes[name] = list
  end
  return list
end

--- The client of a route, or nil if it has ended.
function routes.client_of(route)
  local client = load_client(route[1])
  if client and client.state ~= 'ended' then return client end
end

--- The route of a prefix with the lowest preference; of several, that of the client that registered first.
function routes.best(list)
  local best
  for i = 1, #list do
    local route = list[i]
    if routes.client_of(route) and (not best or route[PREFERENCE] < best[PREFERENCE]
      or route[PREFERENCE] == best[PREFERENCE] and route[1] < best[1]) then
      best = route
    end
  end
  return best
end

-- Lookup.

--- For a digit, its first 1 to 3 bits.
local FIRST_BITS = { 8, 12, 14 }

--- The network of this length that an address is in.
local function network_of(address, length)
  local whole, rest = math.floor(length / 4), length % 4
  local network = string.sub(address, 1, whole)
  if rest > 0 then
    local digit = tonumber(string.sub(address, whole + 1, whole + 1), 16)
    network = network .. string.format('%x', bit.band(digit, FIRST_BITS[rest]))
  end
  return network .. string.rep('0', #address - #network)
end

--- The last address of a network.
local function last_address(network, length)
  local whole, rest = math.floor(length / 4), length % 4
  local last = string.sub(network, 1, whole)
  if rest > 0 then
    local digit = tonumber(string.sub(network, whole + 1, whole + 1), 16)
    last = last .. string.format('%x', bit.bor(digit, 15 - FIRST_BITS[rest]))
  end
  return last .. string.rep('f', #network - #last)
end

--- The prefix lengths in use, longest first.
local function lengths_of(family)
  local lengths = lengths_by_family[family]
  if lengths then return lengths end
  lengths = {}
  for name in pairs(router.view and router.view.lengths or {}) do
    if string.sub(name, 1, 1) == family then lengths[#lengths + 1] = tonumber(string.sub(name, 2), 16) end
  end
  table.sort(lengths, function(one, other) return one > other end)
  lengths_by_family[family] = lengths
  return lengths
end

local function look_up(family, source)
  local names, lengths = {}, lengths_of(family)
  for i = 1, #lengths do
    names[i] = family .. network_of(source, lengths[i]) .. string.format('%02x', lengths[i])
  end
  routes.load(names)
  for i = 1, #names do
    local best = loaded_prefixes[names[i]] and routes.best(routes.of(names[i]))
    if best then return { best, names[i] } end
  end
  return {}
end

--- The best route to a source and its prefix, or nil.
function routes.to(family, source)
  local found = found_routes[family .. source]
  if not found then
    found = look_up(family, source)
    found_routes[family .. source] = found
  end
  return found[1], found[2]
end

--- The routing protocol that owns the interface towards a source, or IGMP where it is alone there; or nil.
function routes.iif_owner(family, source)
  local route = routes.to(family, source)
  if not route then return nil end
  local _, owner, igmp = look_at(route[VIA])
  return owner or igmp
end

--- The first and last address of a prefix, in the form of `sources`.
function routes.range_of(name)
  local network, length = string.sub(name, 2, -3), tonumber(string.sub(name, -2), 16)
  local family = string.sub(name, 1, 1)
  return family .. network, family .. last_address(network, length)
end

-- Changes.

local function note_prefix(changes, key, name, is_there)
  local by_name = changes[key]
  if not by_name then
    by_name = {}
    changes[key] = by_name
  end
  by_name[name] = is_there
end

local function is_via(list, interface)
  for i = 1, #list do
    if list[i][VIA] == interface then return true end
  end
  return false
end

local function is_same(one, other)
  return one ~= nil and other ~= nil and one[1] == other[1] and one[VIA] == other[VIA]
    and one[NEIGHBOUR] == other[NEIGHBOUR] and one[ROUTE_PROTOCOL] == other[ROUTE_PROTOCOL]
end

--- The position of a client's route among those of a prefix.
local function place_in(list, client)
  for i = 1, #list do
    if list[i][1] == client.number then return i end
  end
end

local function count_prefix(name, by)
  local view = router.view
  local length = string.sub(name, 1, 1) .. string.sub(name, -2)
  local count = (view.lengths[length] or 0) + by
  view.lengths[length] = count > 0 and count or nil
  lengths_by_family = {}
end

local function count_route(client, by)
  local member = member_of(client)
  member.routes, member.changed = member.routes + by, true
  router.view.routes = router.view.routes + by
  if client.state == 'ended' then client.requeue = true end
end

--- Puts `route` in the place of a client's route, nil to remove it.
local function replace(name, list, place, client, route)
  local view, before = router.view, routes.best(list)
  local former = list[place]
  if not former then
    if #list == 0 then count_prefix(name, 1) end
    count_route(client, 1)
    note_prefix(route_changes, client.number, name, true)
  end
  if route then
    list[place] = route
  else
    table.remove(list, place)
    count_route(client, -1)
    note_prefix(route_changes, client.number, name, false)
    if #list == 0 then count_prefix(name, -1) end
  end
  if former and not is_via(list, former[VIA]) then note_prefix(via_changes, former[VIA], name, false) end
  if route then note_prefix(via_changes, route[VIA], name, true) end
  changed_prefixes[name], found_routes, view.changed = true, {}, true
  local after = routes.best(list)
  -- A route of an ended client ceased to be the best one before it is removed.
  local is_changed = before ~= after and not is_same(before, after)
  if is_changed or client.state == 'ended' then
    view_tasks.add('p' .. name)
    if has_mfes() then view_tasks.add('P' .. name) end
  end
end

--- Sets the client's route of a prefix. Returns whether it changed, and why it is refused.
function routes.set(client, name, route)
  local view, list = router.view, routes.of(name)
  local place = place_in(list, client)
  local former = place and list[place]
  if former and is_same(former, route) and former[PREFERENCE] == route[PREFERENCE] then return false end
  if not former and view.routes >= router.limits.routes then return false, 'limit' end
  view_tasks.activate()
  replace(name, list, place or #list + 1, client, route)
  view.rrev = view.rrev + 1
  return true
end

--- Removes the client's route of a prefix. Returns whether it had one.
function routes.remove(client, name)
  local list = routes.of(name)
  local place = place_in(list, client)
  if not place then return false end
  replace(name, list, place, client, nil)
  return true
end

-- Writing.

function routes.check_types()
  redis.call('HLEN', rib_key)
  redis.call('ZCARD', prefixes_key)
  redis.call('ZCARD', sources_key)
end

local function save_names_in(key, by_name)
  local put, gone = {}, {}
  for name, is_there in pairs(by_name) do
    if is_there then
      put[#put + 1] = '0'
      put[#put + 1] = name
    else
      gone[#gone + 1] = name
    end
  end
  in_chunks(put, function(...) redis.call('ZADD', key, ...) end)
  in_chunks(gone, function(...) redis.call('ZREM', key, ...) end)
end

function routes.save()
  local view = router.view
  local put, gone, there = {}, {}, {}
  for name in pairs(changed_prefixes) do
    local list = loaded_prefixes[name]
    there[name] = #list > 0
    if #list > 0 then
      put[#put + 1] = name
      put[#put + 1] = cmsgpack.pack(list)
    else
      gone[#gone + 1] = name
    end
  end
  in_chunks(put, function(...) redis.call('HSET', rib_key, ...) end)
  in_chunks(gone, function(...) redis.call('HDEL', rib_key, ...) end)
  save_names_in(prefixes_key, there)
  for interface, by_name in pairs(via_changes) do save_names_in(via_key(interface), by_name) end
  for number, by_name in pairs(route_changes) do save_names_in(routes_key(number), by_name) end
  if view.ended then redis.call('UNLINK', sources_key) end
end

--- Without routes, forwarding entries and tasks, nothing is kept by source.
function routes.finish()
  local view = router.view
  if view.active == 1 and view.routes == 0 and view.mfes == 0 and view.tasks == 0 then
    view.active, view.changed, view.ended = 0, true, true
  end
end
