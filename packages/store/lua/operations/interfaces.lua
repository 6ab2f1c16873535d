--- A page of the held interfaces, client by client in the order of their numbers.
---
--- An interface with an owner and IGMP is listed once, with the client of the lower number; unless that client got it after the
--- listing began, since the listing may have passed that client already. So an interface that is held during the whole listing
--- is listed at least once, and twice only if its holder changed.
---
--- @arg   client   integer   the client with which the last page ended
--- @arg   score    integer   the score of that client's last listed interface, which orders them by when it got them
--- @arg   last     string    that interface
--- @arg   began    integer   the epoch clock when the listing began; 0 for a first page
--- @arg   limit    integer
--- @arg   session  integer   only interfaces of this session; 0 for all
--- @arg   protocol integer   only interfaces of this protocol; -1 for all
--- @reply page items:interface_item[] client:integer score:integer last:string began:integer
--- @shape interface_item interface:interface holder:holder
--- @exclusive
--- @read
--- @include lib/interfaces.lua

--- Clients visited by one call, so that a page of a sparse listing ends in time.
local STEPS = 256

local function next_of_roster(number)
  local found = redis.call('ZRANGEBYSCORE', roster_key, '(' .. text(number), '+inf', 'LIMIT', 0, 1)
  return tonumber(found[1] or 0)
end

--- Compares as the sorted set does: Lua's own `>` depends on the locale of the server.
local function is_behind(name, other)
  for i = 1, math.min(#name, #other) do
    local byte, other_byte = string.byte(name, i), string.byte(other, i)
    if byte ~= other_byte then return byte > other_byte end
  end
  return #name > #other
end

--- Up to `most` interfaces that a client got after this one, with their scores; of one score they are in order of name.
local function owned_behind(number, score, last, most)
  local key, found = owned_key(number), {}
  if last ~= '' then
    local same = redis.call('ZRANGEBYSCORE', key, text(score), text(score))
    for i = 1, #same do
      if #found < most and is_behind(same[i], last) then found[#found + 1] = { same[i], score } end
    end
  end
  if #found == most then return found end
  local rest = redis.call('ZRANGEBYSCORE', key, '(' .. text(score), '+inf', 'WITHSCORES', 'LIMIT', 0, most - #found)
  for i = 1, #rest, 2 do found[#found + 1] = { rest[i], tonumber(rest[i + 1]) } end
  return found
end

local function names_of(found)
  local names = {}
  for i = 1, #found do names[i] = found[i][1] end
  return names
end

function operations.interfaces(client, score, last, began, limit, session, protocol)
  local from = began > 0 and began or router.epoch
  local items = {}

  local function listed_before(record, own, other, own_number)
    local number = record[other]
    return session == 0 and protocol < 0 and number ~= 0 and number < own_number and record[other + 1] <= from
  end

  local function list(member, owning)
    local record, owner, igmp = look_at(member)
    local own = owner == owning and OWNER or igmp == owning and IGMP
    if not own then return end
    if listed_before(record, own, own == OWNER and IGMP or OWNER, owning.number) then return end
    items[#items + 1] = { member, holder_shape(record, owner, igmp) }
  end

  local function is_wanted(candidate)
    return candidate and candidate.state ~= 'ended' and (session == 0 or candidate.session == session)
      and (protocol < 0 or candidate.protocol_id == protocol)
  end

  local number, at, name = client, score, last
  if began == 0 then number, at, name = next_of_roster(0), 0, '' end

  for _ = 1, STEPS do
    local room = limit - #items
    if number == 0 or room == 0 then break end
    local owning = load_client(number)
    local found = is_wanted(owning) and owned_behind(number, at, name, room) or {}
    load_records(names_of(found))
    for i = 1, #found do list(found[i][1], owning) end
    if #found < room then
      number, at, name = next_of_roster(number), 0, ''
    else
      at, name = found[room][2], found[room][1]
    end
  end

  return { 'page', items, number, at, name, from }
end
