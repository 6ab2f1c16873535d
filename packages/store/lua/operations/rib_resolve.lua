--- The best route to a source, and the owner of its interface (forwarding contract, section 3).
---
--- @arg   source string   the family, then the address in hexadecimal
--- @reply found prefix:string interface:interface neighbour:string protocol_id:integer holder:holder?
--- @reply none
--- @read
--- @include lib/routes.lua

function operations.rib_resolve(source)
  local route, prefix = routes.to(string.sub(source, 1, 1), string.sub(source, 2))
  if not route then return { 'none' } end
  local record, owner, igmp = look_at(route[VIA])
  local holder = (owner or igmp) and holder_shape(record, owner, igmp) or {}
  return { 'found', prefix, route[VIA], route[NEIGHBOUR], route[ROUTE_PROTOCOL], holder }
end
