--- A page of the routes, by prefix; those of a prefix in the order in which their clients registered (forwarding contract,
--- section 3).
---
--- @arg   session integer  only its routes; 0 for all
--- @arg   after   string   the prefix at which the page before ended, '' for a first page,
--- @arg   client  integer  and its last client
--- @arg   limit   integer
--- @reply page items:route_item[] after:string client:integer
--- @shape route_item prefix:string interface:interface neighbour:string protocol_id:integer preference:integer session:session best:flag
--- @exclusive
--- @read
--- @include lib/routes.lua

--- Prefixes that one page looks at.
local STEPS = 1000

--- Larger than every client number: the prefix is complete.
local CLIENT_MAX = 9007199254740991

local function by_client(one, other)
  return one[1] < other[1]
end

function operations.rib_list(session, after, client, limit)
  local only = session ~= 0 and find_client('s:' .. text(session)) or nil
  if session ~= 0 and not only then return { 'page', {}, '', 0 } end
  local key = only and routes_key(only.number) or prefixes_key
  local names = redis.call('ZRANGEBYLEX', key, after == '' and '-' or '[' .. after, '+', 'LIMIT', 0, STEPS)
  routes.load(names)
  local items, last_client = {}, 0
  for i = 1, #names do
    local name = names[i]
    local list = routes.of(name)
    local best = routes.best(list)
    table.sort(list, by_client)
    for j = 1, #list do
      local route = list[j]
      local owner = routes.client_of(route)
      local is_wanted = (not only or owner == only) and (name ~= after or route[1] > client)
      if owner and is_wanted then
        if #items == limit then
          return { 'page', items, items[#items][1], last_client }
        end
        items[#items + 1] = { name, route[VIA], route[NEIGHBOUR], route[ROUTE_PROTOCOL], route[PREFERENCE],
          owner.session, route == best and 1 or 0 }
        last_client = route[1]
      end
    end
  end
  if #names < STEPS then return { 'page', items, '', 0 } end
  return { 'page', items, names[#names], CLIENT_MAX }
end
