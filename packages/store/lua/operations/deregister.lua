--- Ends a session. Refused if it owns interfaces, unless forced: then they are released first.
---
--- @arg   handle handle
--- @arg   seq    integer
--- @arg   ack    integer
--- @arg   force  flag
--- @reply deregistered
--- @reply owns_interfaces owned:integer
--- @reply ...session_refusal
--- @reply ...sequence_refusal
--- @include lib/sequence.lua
--- @include lib/interfaces.lua

--- As many as one bulk release. Further ones are void from this instant and removed by the sweeper, so that the step stays
--- short; the event `deregistered` then follows the last of them.
local RELEASED_DIRECTLY = 1024

function operations.deregister(handle, seq, ack, force)
  local client, answered, rev = admit('deregister', handle, seq, ack)
  if not client then return answered, rev end
  local owned = owned_count(client)
  if owned > 0 and force == 0 then
    return remember(client, 'deregister', seq, { 'owns_interfaces', owned })
  end
  local interfaces = owned > 0 and some_owned(client, RELEASED_DIRECTLY) or {}
  for i = 1, #interfaces do
    clear_hold(interfaces[i], records[interfaces[i]], client, 'release')
  end
  if owned_count(client) == 0 then session_event('deregistered', client) end
  end_client(client, 'release')
  return remember(client, 'deregister', seq, { 'deregistered' })
end
