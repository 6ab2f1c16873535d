--- Answers kept for repeats, as pages: those of one batch together, which is cheaper by far than one by one.
---
--- A page is four lists: numbers, and for each its operation, the revision after it, and the reply. `client.pages` tells of
--- each page, from `first_page` on, the lowest and the highest number that is on it. A page goes when `ack` has passed all
--- of it, those behind it after it; so there are never more than two windows of them.
---
--- @include lib/clients.lua

local BOUNDS = '<dd'
local BOUNDS_BYTES = 16

local function page_field(page)
  return 'answers:' .. page
end

local function bounds_at(client, page)
  return struct.unpack(BOUNDS, client.pages, (page - client.first_page) * BOUNDS_BYTES + 1)
end

--- Page, lowest and highest number, of each page that is kept.
local function page_bounds(client)
  local all = {}
  for page = client.first_page, client.next_page - 1 do
    local lowest, highest = bounds_at(client, page)
    all[#all + 1] = { page = page, lowest = lowest, highest = highest }
  end
  return all
end

local function fields_of_pages(first, behind)
  local fields = {}
  for page = first, behind - 1 do fields[#fields + 1] = page_field(page) end
  return fields
end

--- Forgets the pages that `ack` has passed; answers their fields.
local function pass_pages(client)
  local first = client.first_page
  local page = first
  while page < client.next_page do
    local _, highest = bounds_at(client, page)
    if highest >= client.ack then break end
    page = page + 1
  end
  client.pages = string.sub(client.pages, (page - first) * BOUNDS_BYTES + 1)
  client.first_page = page
  return fields_of_pages(first, page)
end

--- Makes a page of this batch's answers, if any of them may still be asked for; answers its field and value.
local function add_page(client)
  local new = client.new_answers
  if not new or new.highest < client.ack then return end
  local page = client.next_page
  client.next_page = page + 1
  client.pages = client.pages .. struct.pack(BOUNDS, new.lowest, new.highest)
  return page_field(page), cmsgpack.pack(new.numbers, new.operations, new.revs, new.replies)
end
