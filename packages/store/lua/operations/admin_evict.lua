--- Ends a session on an operator's word. Its interfaces are void from this instant.
---
--- @arg   session integer
--- @arg   actor   string
--- @arg   why     string
--- @reply evicted released:integer
--- @reply unknown_session
--- @include lib/interfaces.lua

--- The rest is taken down by the sweeper, so that the step stays short.
local CLEARED_AT_ONCE = 256

function operations.admin_evict(session, actor, why)
  local client = find_client('s:' .. text(session))
  if not client or client.state == 'ended' then return { 'unknown_session' } end
  local owned = owned_count(client)
  local by = { actor = actor, why = why }
  session_event('evicted', client, by)
  end_client(client, 'evict', by)
  clear_slice(client, CLEARED_AT_ONCE)
  return { 'evicted', owned }
end
