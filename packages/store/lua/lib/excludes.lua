--- Exclude lists: the sources that the holder of a (*,g) does not want there (forwarding contract, section 9).
---
--- A list is the addresses of its sources in hexadecimal, in order, one after the other. It belongs to one membership, so it is
--- named by slot and entry, and goes with it.
---
--- @include lib/router.lua

local excludes = {}

--- Lists by field, '' for none; the fields that this batch changed.
local lists, changed_lists

function excludes.begin()
  lists, changed_lists = {}, {}
end

local function list_field(slot, name)
  return text(slot.number) .. ' ' .. name
end

--- The list of a membership, '' for none.
function excludes.of(slot, name)
  if slot.filters == 0 then return '' end
  local field = list_field(slot, name)
  if not lists[field] then lists[field] = redis.call('HGET', excludes_key, field) or '' end
  return lists[field]
end

--- Replaces the list of a membership. Returns whether that is a change.
function excludes.set(slot, name, list)
  local former = excludes.of(slot, name)
  if list == former then return false end
  local by = (list ~= '' and 1 or 0) - (former ~= '' and 1 or 0)
  local members, field = router.members, list_field(slot, name)
  slot.filters, slot.changed = slot.filters + by, true
  members.filters, members.changed = members.filters + by, true
  lists[field], changed_lists[field] = list, true
  return true
end

--- Whether a list has a source.
function excludes.has(list, source)
  local at = string.find(list, source, 1, true)
  while at and (at - 1) % #source ~= 0 do at = string.find(list, source, at + 1, true) end
  return at ~= nil
end

function excludes.check_types()
  redis.call('HLEN', excludes_key)
end

function excludes.save()
  local put, gone = {}, {}
  for field in pairs(changed_lists) do
    if lists[field] ~= '' then
      put[#put + 1] = field
      put[#put + 1] = lists[field]
    else
      gone[#gone + 1] = field
    end
  end
  in_chunks(put, function(...) redis.call('HSET', excludes_key, ...) end)
  in_chunks(gone, function(...) redis.call('HDEL', excludes_key, ...) end)
end
