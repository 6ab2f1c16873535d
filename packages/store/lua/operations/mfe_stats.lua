--- The counters of a forwarding entry, or of a page of them (forwarding contract, section 5.7).
---
--- @arg   name  string   see lib/mfes.lua; '' for a page
--- @arg   after string   where the page before ended, '' for a first page
--- @arg   limit integer
--- @reply found stats:mfe_stats
--- @reply none
--- @reply page items:mfe_stats[] after:string
--- @shape mfe_stats mfe:mfe sums:mfe_sums
--- @exclusive
--- @read
--- @include lib/mfe_pages.lua

--- An item grows to about its text, this much, and this much for each outgoing interface.
local ITEM_BYTES, OIF_BYTES = 600, 48

--- Position of the outgoing interfaces in a shape.
local OIFS = 13

local function counted(mfe, names)
  local shape, count = oifs.shape(mfe, names), math.min(#names, LISTED_MAX)
  return { shape, mfe_reports.sums(mfe, names, count) }, #shape[OIFS] + ITEM_BYTES + count * OIF_BYTES
end

function operations.mfe_stats(name, after, limit)
  if name == '' then return { 'page', mfe_pages.read(after, limit, 'stats', counted) } end
  local mfe = mfes.get(name)
  if not mfe then return { 'none' } end
  return { 'found', (counted(mfe, (oifs.of(mfe, {})))) }
end
