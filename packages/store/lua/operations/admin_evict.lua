--- Ends a session for an operator. Its interfaces are free from this moment on. Only the session with this number is ended,
--- never one that has inherited from it, so that a request executed late does no harm.
---
--- @arg   session integer
--- @arg   actor   string
--- @arg   why     string
--- @reply evicted released:integer
--- @reply unknown_session
--- @reply not_permitted
--- @include lib/interfaces.lua
--- @include lib/operator_log.lua

--- The sweeper releases the rest, so that the step stays short.
local RELEASED_DIRECTLY = 256

local OPERATION = 'admin.evict'

function operations.admin_evict(session, actor, why)
  local by = { actor = actor, why = why, caller = caller[IDENTITY] }
  local refused = operator_log.denied(OPERATION, by, { session = session })
  if refused then return refused end
  local client = find_client('s:' .. text(session))
  if not client or client.state == 'ended' then
    operator_log.note_refused(OPERATION, 'not-found', by, { session = session })
    return { 'unknown_session' }
  end
  local owned = owned_count(client)
  session_event('evicted', client, by)
  operator_log.note('evicted', OPERATION, by, { session = client.session, protocol_id = client.protocol_id,
    component_id = client.component_id })
  end_client(client, 'evict', by)
  clear_slice(client, RELEASED_DIRECTLY)
  return { 'evicted', owned }
end
