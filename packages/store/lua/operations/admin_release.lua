--- Takes an interface from whoever `owner` answers for it, on an operator's word.
---
--- @arg   interface interface
--- @arg   actor     string
--- @arg   why       string
--- @reply released previous:holder
--- @reply free
--- @include lib/interfaces.lua

function operations.admin_release(interface, actor, why)
  local record, owner, igmp = look_at(interface)
  if not owner and not igmp then return { 'free' } end
  local client = owner or igmp
  local previous = holder_shape(record, owner, igmp)
  local epoch = clear_hold(interface, record, client, 'admin', { actor = actor, why = why })
  queue_callback(client, 'OWNERSHIP_LOST', interface, router.rev, 'admin', epoch, why)
  return { 'released', previous }
end
