--- The client that was notified last of each (s,g): the owner of the incoming interface, while others want the (s,g)
--- (forwarding contract, section 4).
---
--- A client is notified, none or another one when the owner of the interface changes, or whether others want it. The former
--- one is sent a PRUNE, the new one a JOIN; a client without a live session is notified without a message, and finds it in
--- `groups` when it has one.
---
--- @include lib/routes.lua
--- @include lib/alerts.lua

local notified = {}

--- By name of an (s,g): the number of the client, 0 for none; names that this batch changed.
local notified_clients, notified_changes

function notified.begin()
  notified_clients, notified_changes = {}, {}
end

--- Reads those of the entries that are an (s,g), with one command.
function notified.load(names)
  if not has_view() then return end
  local missing = {}
  for i = 1, #names do
    local name = names[i]
    if is_exact(name) and not notified_clients[name] then
      missing[#missing + 1] = name
      notified_clients[name] = 0
    end
  end
  if not missing[1] then return end
  local numbers = redis.call('HMGET', notified_key, unpack(missing))
  for i = 1, #missing do notified_clients[missing[i]] = tonumber(numbers[i] or 0) end
end

--- The number of the client that was notified last; 0 for none.
function notified.of(name)
  if not has_view() or not is_exact(name) then return 0 end
  if not notified_clients[name] then notified.load({ name }) end
  return notified_clients[name]
end

local function others_want(number, pairs)
  for i = 1, #pairs do
    if pairs[i][HOLDER] ~= number and pairs[i][COUNTS_FOR] ~= number then return true end
  end
  return false
end

--- Whether others than this client want a wider entry.
local function is_covered(number, family, group)
  return others_want(number, entries.present_pairs(entries.get(family .. group)))
    or others_want(number, entries.present_pairs(entries.get(family)))
end

--- Compares the owner of the incoming interface with the notified client. `pairs`: those of the entry that are not withdrawn. `from`: an
--- interface where a membership was removed.
function notified.retarget(name, pairs, cause, window, from)
  if not has_view() or not is_exact(name) then return end
  pairs = entries.counting(pairs)
  local family, group, source = parts_of(name)
  local owner = #pairs > 0 and routes.iif_owner(family, source) or nil
  local target = owner and others_want(owner.number, pairs) and owner.number or 0
  local former = notified.of(name)
  if target == former then return end
  if former ~= 0 then
    local covered = is_covered(former, family, group) and '1' or '0'
    alerts.send('PRUNE_ALERT', cause, window, name .. ' ' .. (from or '0:') .. ' ' .. covered, former)
  end
  if target ~= 0 then alerts.send('JOIN_ALERT', cause, 0, name, target) end
  notified_clients[name], notified_changes[name] = target, true
  router.members.changed = true
end

function notified.check_types()
  redis.call('HLEN', notified_key)
end

function notified.save()
  local put, gone = {}, {}
  for name in pairs(notified_changes) do
    if notified_clients[name] ~= 0 then
      put[#put + 1] = name
      put[#put + 1] = text(notified_clients[name])
    else
      gone[#gone + 1] = name
    end
  end
  in_chunks(put, function(...) redis.call('HSET', notified_key, ...) end)
  in_chunks(gone, function(...) redis.call('HDEL', notified_key, ...) end)
end
