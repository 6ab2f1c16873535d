--- Pages of forwarding entries, by name (forwarding contract, section 5.7).
---
--- @include lib/mfe_changes.lua

local mfe_pages = {}

--- Entries that one page looks at: more than it lists where some are invalid.
local PAGE_STEPS = 1000

--- A reply stays below 512 KiB.
local PAGE_BYTES_MAX = 400000

--- Up to `limit` items behind a name, '' for the first: what `item_of` makes of an MFE and its outgoing interfaces, with the
--- bytes to which it grows in a reply, at most about. At least one item. The reports of this kind are read in advance. Returns
--- also where the page ended, '' at the end of the listing.
function mfe_pages.read(after, limit, kind, item_of)
  if not has_mfes() then return {}, '' end
  local names = mfes.names_between(after == '' and '-' or '(' .. after, '+', PAGE_STEPS)
  mfe_changes.load(names)
  mfe_reports.load(kind, names)
  local items, memo, last, bytes = {}, {}, '', 0
  for i = 1, #names do
    local mfe = mfes.get(names[i])
    if mfe then
      local item, size = item_of(mfe, (oifs.of(mfe, memo)))
      bytes = bytes + size
      if #items > 0 and bytes > PAGE_BYTES_MAX then break end
      items[#items + 1] = item
    end
    last = names[i]
    if #items == limit then break end
  end
  local is_end = #names < PAGE_STEPS and last == (names[#names] or '')
  return items, is_end and '' or last
end
