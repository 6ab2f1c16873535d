--- A page of the forwarding entries, by name (forwarding contract, section 5.7).
---
--- @arg   after string   where the page before ended, '' for a first page
--- @arg   limit integer
--- @reply page items:mfe[] failed:failed_mfe[] programmed:integer after:string
--- @exclusive
--- @read
--- @include lib/mfe_changes.lua

--- Entries that one page looks at: more than it lists where some are invalid.
local STEPS = 1000

--- A reply stays below 512 KiB: an item grows to about its text and this much more.
local BYTES_MAX, ITEM_BYTES, FAILURE_BYTES = 400000, 400, 80

--- Position of the outgoing interfaces in a shape.
local OIFS = 13

function operations.mfe_list(after, limit)
  if not has_mfes() then return { 'page', {}, {}, agents.lowest(), '' } end
  local names = mfes.names_between(after == '' and '-' or '(' .. after, '+', STEPS)
  mfes.load(names)
  mfe_reports.load('failed', names)
  local items, failed, memo, last, bytes = {}, {}, {}, '', 0
  for i = 1, #names do
    local mfe = mfes.get(names[i])
    if mfe then
      local shape = oifs.shape(mfe, (oifs.of(mfe, memo)))
      local failures = mfe_reports.failures(mfe)
      bytes = bytes + #shape[OIFS] + ITEM_BYTES + #failures * FAILURE_BYTES
      if #items > 0 and bytes > BYTES_MAX then break end
      items[#items + 1] = shape
      if failures[1] then failed[#failed + 1] = { mfe.name, failures } end
    end
    last = names[i]
    if #items == limit then break end
  end
  local is_end = #names < STEPS and last == (names[#names] or '')
  return { 'page', items, failed, agents.lowest(), is_end and '' or last }
end
