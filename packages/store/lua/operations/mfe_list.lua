--- A page of the forwarding entries, by name (forwarding contract, section 5.7).
---
--- @arg   after string   where the page before ended, '' for a first page
--- @arg   limit integer
--- @reply page items:mfe[] failed:failed_mfe[] programmed:integer after:string
--- @exclusive
--- @read
--- @include lib/mfe_pages.lua

--- An item grows to about its text and this much more.
local ITEM_BYTES, FAILURE_BYTES = 400, 80

--- Position of the outgoing interfaces in a shape.
local OIFS = 13

local function reported(mfe, names)
  local shape, failures = oifs.shape(mfe, names), mfe_reports.failures(mfe)
  return { shape, { mfe.name, failures } }, #shape[OIFS] + ITEM_BYTES + #failures * FAILURE_BYTES
end

function operations.mfe_list(after, limit)
  local found, last = mfe_pages.read(after, limit, 'failed', reported)
  local items, failed = {}, {}
  for i = 1, #found do
    items[i] = found[i][1]
    if found[i][2][2][1] then failed[#failed + 1] = found[i][2] end
  end
  return { 'page', items, failed, agents.lowest(), last }
end
