--- Carries out tasks of the multicast view, a bounded part at a time: see lib/view_tasks.lua.
---
--- @include lib/notified.lua
--- @include lib/view_tasks.lua
--- @include lib/mfe_changes.lua
--- @include lib/statics.lua

local function names_in(key, from, to, most)
  return redis.call('ZRANGEBYLEX', key, from, to, 'LIMIT', 0, most)
end

--- The owner of the incoming interface may have changed for these (s,g) entries.
local function review_entries(names)
  entries.load(names)
  notified.load(names)
  for i = 1, #names do
    notified.retarget(names[i], entries.present_pairs(entries.get(names[i])), 'iif-moved', 0)
  end
end

--- The (s,g) entries behind a prefix, from this position on. Returns how many, and the last position.
local function review_prefix(name, position, most)
  local from, to = routes.range_of(name)
  local found = names_in(sources_key, position == '' and '[' .. from or '(' .. position, '[' .. to .. 'g', most)
  local names = {}
  for i = 1, #found do names[i] = turned(found[i]) end
  review_entries(names)
  return #found, found[#found] or ''
end

-- Each kind of task is given its subject, its position and how much may be done; it returns how much was done, and where to
-- go on, or nil when it is finished.

local kinds = {}

function kinds.b(_, position, most)
  local found = entries.names_from(position == '' and '-' or '(' .. position, '+', most)
  local names = {}
  for i = 1, #found do
    if is_exact(found[i]) then
      names[#names + 1] = found[i]
      index_source(found[i])
    end
  end
  review_entries(names)
  return #found, #found == most and found[most] or nil
end

function kinds.p(name, position, most)
  local count, last = review_prefix(name, position, most)
  return count, count == most and last or nil
end

--- Goes through the prefixes that have a route over an interface, with a function that does a part of one. The position is the
--- present prefix, and where to go on in it.
local function review_via(interface, position, most, review)
  local name, at = string.match(position, '^(%x+) (.*)$')
  local done = 0
  name = name or names_in(via_key(interface), '-', '+', 1)[1]
  while name and done < most do
    local count, last = review(name, at or '', most - done)
    done = done + count
    if done == most then return done, name .. ' ' .. last end
    name, at, done = names_in(via_key(interface), '(' .. name, '+', 1)[1], nil, done + 1
  end
  return done, name and name .. ' ' or nil
end

function kinds.i(interface, position, most)
  return review_via(interface, position, most, review_prefix)
end

--- What is removed is not found again, so no position is needed but one that is not the first.
function kinds.c(number, _, most)
  local client = load_client(tonumber(number))
  local names = client and names_in(routes_key(client.number), '-', '+', most) or {}
  routes.load(names)
  for i = 1, #names do routes.remove(client, names[i]) end
  return #names, #names == most and '.' or nil
end

local function review_mfes(names, cause)
  local memo = {}
  mfes.load(names)
  for i = 1, #names do mfe_changes.review(names[i], cause, memo) end
end

--- The names of MFEs behind a prefix, from this position on, and the last position.
local function names_behind(prefix, position, most)
  local from, to = routes.range_of(prefix)
  local found = mfes.indexed_between(position == '' and '[s' .. from or '(' .. position, '[s' .. to .. 'g', most)
  local names = {}
  for i = 1, #found do names[i] = turned(string.sub(found[i], 2)) end
  return names, found[#found] or ''
end

--- MFEs behind a prefix.
function kinds.P(prefix, position, most)
  local names, last = names_behind(prefix, position, most)
  review_mfes(names, 'route')
  return #names, #names == most and last or nil
end

--- MFEs that the index names under an interface. The position is a member of the index.
local function review_indexed(interface, position, most)
  local done = 0
  for _, letter in ipairs(view_tasks.INDEXED) do
    if position == '' or string.sub(position, 1, 1) == letter then
      local what = letter .. interface
      local from = position == '' and '[' .. what .. ' ' or '(' .. position
      local found = mfes.indexed_between(from, '(' .. what .. '!', most - done)
      local names = {}
      for i = 1, #found do names[i] = string.match(found[i], ' (.*)$') end
      review_mfes(names, 'iif-moved')
      done, position = done + #found, ''
      if done == most then return done, found[#found] end
    end
  end
  return done, nil
end

--- MFEs of an interface: those that the index names, and those whose route was over the interface. If their route has changed
--- since, a task of its prefix reviews them.
function kinds.F(interface, position, most)
  local done = 0
  if not string.find(position, '^%d') then
    done, position = review_indexed(interface, position, most)
    if position then return done, position end
  end
  local function review_routed(prefix, at, count)
    local names, last = names_behind(prefix, at, count)
    mfes.load(names)
    local routed = {}
    for i = 1, #names do
      local mfe = mfes.stored(names[i])
      if mfe and mfe.rpf == interface then routed[#routed + 1] = names[i] end
    end
    review_mfes(routed, 'iif-moved')
    return #names, last
  end
  local count, next_position = review_via(interface, position or '', most - done, review_routed)
  return done + count, next_position
end

--- MFEs of the interfaces of a client, one interface at a time. Its position is the rank of the interface and, in the middle of
--- one, the interface and where to go on in it. From the last rank down: interfaces that are taken meanwhile come behind, and a
--- release only repeats one.
function kinds.o(number, position, most)
  local key = owned_key(tonumber(number))
  local rank, interface, at = string.match(position, '^(%d+) (%S+) (.+)$')
  if not interface then
    local count = redis.call('ZCARD', key)
    rank = math.min(tonumber(position) or count, count) - 1
    if rank < 0 then return 0, nil end
    interface = redis.call('ZRANGE', key, rank, rank)[1]
  end
  local done, last = kinds.F(interface, at or '', most)
  return done, text(tonumber(rank)) .. (last and ' ' .. interface .. ' ' .. last or '')
end

--- MFEs that an entry covers.
function kinds.m(task, position, most)
  local cause, name = string.match(task, '^(%S+) (.*)$')
  local count, last = mfe_changes.review_covered(name, position, most, cause)
  return count, count == most and last or nil
end

--- MFEs that a rule covers.
function kinds.r(number, position, most)
  local entry = overrides.entry_of(tonumber(number))
  if not entry then return 0, nil end
  local count, last = mfe_changes.review_covered(entry, position, most, 'forward')
  if count == most then return count, last end
  overrides.remove_rule(tonumber(number))
  return count, nil
end

--- Static memberships of an interface. What follows for forwarding entries is done, or a task, before this task is done.
function kinds.s(interface, position, most)
  local count, last = statics.activate_more(interface, position, most)
  return count + mfe_changes.review_noted(), count == most and last or nil
end

--- Groups of an interface. Its settings know how far they are counted.
function kinds.g(interface, _, most)
  look_at(interface)
  local count = interface_limits.count_more(interface, most)
  return count, count >= most and '.' or nil
end

--- Carries out tasks for up to `most` entries or prefixes. Returns whether there is more to do.
local function view_slice(most)
  local left = most
  while left > 0 do
    local task = view_tasks.next()
    if not task then break end
    local done, position = kinds[string.sub(task, 1, 1)](string.sub(task, 2), router.view.position, left)
    left = left - done - 1
    if position then view_tasks.go_on_at(position) else view_tasks.finish() end
  end
  mfe_changes.close()
  return router.view ~= nil and router.view.tasks > 0
end
