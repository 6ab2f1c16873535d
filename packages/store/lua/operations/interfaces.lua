--- A page of the interfaces that are held, client by client in the order of their numbers.
---
--- An interface with an owner and IGMP is listed once, where the client with the lower number has it; unless that one
--- came after the listing began, for then the listing may have passed it already. So what is held all the while is listed
--- at least once, and twice only where it changed hands meanwhile.
---
--- @arg   client   integer   where the last page ended: the client,
--- @arg   last     string    its last interface,
--- @arg   began    integer   and the epoch clock when the listing began; 0 for a first page
--- @arg   limit    integer
--- @arg   session  integer   only what this session holds; 0 for all
--- @arg   protocol integer   only what this protocol holds; -1 for all
--- @reply page items:interface_item[] client:integer last:string began:integer
--- @shape interface_item interface:interface holder:holder
--- @alone
--- @include lib/interfaces.lua

--- Steps of one call, so that a page of a sparse listing ends in time.
local STEPS = 256

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

local function next_of_roster(number)
  local found = redis.call('ZRANGEBYSCORE', roster_key, '(' .. text(number), '+inf', 'LIMIT', 0, 1)
  return tonumber(found[1] or 0)
end

local function is_wanted(candidate)
  return candidate and candidate.state ~= 'ended' and (session == 0 or candidate.session == session)
    and (protocol < 0 or candidate.protocol_id == protocol)
end

local number, position = client, last
if began == 0 then number, position = next_of_roster(0), '' end

for _ = 1, STEPS do
  local room = limit - #items
  if number == 0 or room == 0 then break end
  local owning = load_client(number)
  local after = position == '' and '-' or '(' .. position
  local members = is_wanted(owning)
    and redis.call('ZRANGEBYLEX', owned_key(number), after, '+', 'LIMIT', 0, room) or {}
  load_records(members)
  for i = 1, #members do list(members[i], owning) end
  if #members < room then
    number, position = next_of_roster(number), ''
  else
    position = members[#members]
  end
end

return { 'page', items, number, position, from }
