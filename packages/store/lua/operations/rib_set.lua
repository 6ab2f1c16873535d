--- Sets routes of the client in the multicast view, each decided by itself, in order (forwarding contract, section 3).
---
--- @arg   handle      handle
--- @arg   seq         integer
--- @arg   ack         integer
--- @arg   prefixes    string[]    see lib/routes.lua
--- @arg   faults      string[]    per element: the field that section 3 refuses, or ''
--- @arg   via         string[]    names of interfaces
--- @arg   neighbours  string[]
--- @arg   protocols   integer[]
--- @arg   preferences integer[]
--- @reply changed count:integer rrev:integer failed:route_failure[]
--- @reply window_full
--- @reply store_full
--- @reply ...session_refusal
--- @reply ...sequence_refusal
--- @shape route_failure index:integer reason:string
--- @include lib/sequence.lua
--- @include lib/routes.lua

function operations.rib_set(handle, seq, ack, prefixes, faults, via, neighbours, protocols, preferences)
  local client, answered, rev = admit('rib_set', handle, seq, ack)
  if not client then return answered, rev end
  if is_window_full(client) then return { 'window_full' } end
  if router.is_full then return remember(client, 'rib_set', seq, { 'store_full' }) end
  if not router.view then begin_view() end
  routes.load(prefixes)
  local count, failed = 0, {}
  for i = 1, #prefixes do
    local changed, reason = false, faults[i]
    if reason == '' then
      changed, reason = routes.set(client, prefixes[i],
        { client.number, via[i], neighbours[i], protocols[i], preferences[i] })
    end
    if changed then count = count + 1 end
    if reason then failed[#failed + 1] = { i - 1, reason } end
  end
  return remember(client, 'rib_set', seq, { 'changed', count, router.view.rrev, failed })
end
