--- Names the holder of an interface (mgm-semantics 4.2).
---
--- @arg   interface interface
--- @reply held holder:holder
--- @reply free
--- @read
--- @include lib/interfaces.lua

function operations.owner(interface)
  local record, owner, igmp = look_at(interface)
  if not owner and not igmp then return { 'free' } end
  return { 'held', holder_shape(record, owner, igmp) }
end
