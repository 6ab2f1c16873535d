--- The (s,g) entries in the order of their sources, so that those behind a prefix are found. Kept while there are routes.
---
--- A name is the family, then the source and the group in hexadecimal.
---
--- @include lib/router.lua

--- Entries that this batch adds although they are not new.
local indexed

local function begin_source_index()
  indexed = {}
end

--- Whether a name is that of an (s,g).
local function is_exact(name)
  return #name == 17 or #name == 65
end

--- The parts of the name of an (s,g): family, group, source.
local function parts_of(name)
  local digits = (#name - 1) / 2
  return string.sub(name, 1, 1), string.sub(name, 2, 1 + digits), string.sub(name, 2 + digits)
end

--- The name with source and group in the other order.
local function turned(name)
  local family, one, other = parts_of(name)
  return family .. other .. one
end

--- Adds an entry that was created before the router had routes.
local function index_source(name)
  indexed[#indexed + 1] = name
end

--- Adds and removes entries.
local function save_sources(added, removed)
  if not has_view() then return end
  local put, gone = {}, {}
  for i = 1, #indexed do
    put[#put + 1] = '0'
    put[#put + 1] = turned(indexed[i])
  end
  for i = 1, #added do
    if is_exact(added[i]) then
      put[#put + 1] = '0'
      put[#put + 1] = turned(added[i])
    end
  end
  for i = 1, #removed do
    if is_exact(removed[i]) then gone[#gone + 1] = turned(removed[i]) end
  end
  in_chunks(put, function(...) redis.call('ZADD', sources_key, ...) end)
  in_chunks(gone, function(...) redis.call('ZREM', sources_key, ...) end)
end
