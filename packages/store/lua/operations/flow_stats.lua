--- Reports counters of forwarding entries, absolute values of the session (forwarding contract, section 8.1).
---
--- @arg   handle       handle
--- @arg   names        string[]    see lib/mfes.lua
--- @arg   incarnations integer[]
--- @arg   counters     integer[]   eight for each entry
--- @arg   oif_counts   integer[]   for each entry, how many of `interfaces` are its outgoing interfaces
--- @arg   interfaces   interface[]
--- @arg   oif_counters integer[]   four for each of `interfaces`
--- @reply counted count:integer
--- @reply store_full
--- @reply ...session_refusal
--- @exclusive
--- @include lib/sequence.lua
--- @include lib/mfe_changes.lua

--- The group of `size` values at this place, from 0.
local function group_of(values, place, size)
  return { unpack(values, place * size + 1, (place + 1) * size) }
end

function operations.flow_stats(handle, names, incarnations, counters, oif_counts, interfaces, oif_counters)
  local client, refused = client_of(handle)
  if not client then return refused end
  if router.is_full then return { 'store_full' } end
  if has_mfes() then mfes.load(names) end
  mfe_reports.load('stats', names)
  local count, place = 0, 0
  for i = 1, #names do
    local mfe = mfes.get(names[i])
    if mfe and mfe.incarnation == incarnations[i] then
      local by_oif = {}
      for j = place, place + oif_counts[i] - 1 do by_oif[interfaces[j + 1]] = group_of(oif_counters, j, OIF_COUNTERS) end
      mfe_reports.count(mfe, client, group_of(counters, i - 1, COUNTERS), by_oif)
      count = count + 1
    end
    place = place + oif_counts[i]
  end
  return { 'counted', count }
end
