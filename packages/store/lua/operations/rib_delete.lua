--- Deletes routes of the client, each decided by itself, in order (forwarding contract, section 3).
---
--- @arg   handle      handle
--- @arg   seq         integer
--- @arg   ack         integer
--- @arg   prefixes    string[]    see lib/routes.lua
--- @arg   faults      string[]    per element: the field that section 3 refuses, or ''
--- @reply changed count:integer rrev:integer failed:route_failure[]
--- @reply window_full
--- @reply ...session_refusal
--- @reply ...sequence_refusal
--- @shape route_failure index:integer reason:string
--- @include lib/sequence.lua
--- @include lib/routes.lua

function operations.rib_delete(handle, seq, ack, prefixes, faults)
  local client, answered, rev = admit('rib_delete', handle, seq, ack)
  if not client then return answered, rev end
  if is_window_full(client) then return { 'window_full' } end
  local view = router.view
  if view then routes.load(prefixes) end
  local count, failed = 0, {}
  for i = 1, #prefixes do
    if faults[i] ~= '' then
      failed[#failed + 1] = { i - 1, faults[i] }
    elseif view and routes.remove(client, prefixes[i]) then
      count, view.rrev = count + 1, view.rrev + 1
    end
  end
  return remember(client, 'rib_delete', seq, { 'changed', count, view and view.rrev or 0, failed })
end
