--- The log of forwarding entries: each one that is set or deleted gets the next `frev`; one entry of the stream holds all of a
--- batch (forwarding contract, sections 8.1 and 11).
---
--- An MFE has at most one item per request: a later one takes the place of the earlier.
---
--- @include lib/oifs.lua
--- @shape fib_item kind:string name:string incarnation:integer cause:string mfe:mfe?

local fib_log = {}

--- The log keeps this many changes.
local KEPT = 100000

--- The items of the batch; the places of those of the present request by name; `frev` before the first.
local fib_items, fib_places, fib_before

function fib_log.begin()
  fib_items, fib_places, fib_before = {}, {}, nil
end

local function note_item(name, item)
  local place = fib_places[name]
  if not place then
    local view = router.view
    fib_before = fib_before or view.frev
    view.frev, view.changed = view.frev + 1, true
    place = #fib_items + 1
    fib_places[name] = place
  end
  fib_items[place] = item
end

--- An MFE was created, or what it shows changed.
function fib_log.set(mfe, names)
  note_item(mfe.name, { 'set', mfe.name, mfe.incarnation, '', oifs.shape(mfe, names) })
end

function fib_log.delete(mfe, cause)
  note_item(mfe.name, { 'del', mfe.name, mfe.incarnation, cause, {} })
end

--- At the end of a request.
function fib_log.close()
  fib_places = {}
end

--- The number of the first item of the batch, and the items.
function fib_log.items()
  return (fib_before or 0) + 1, fib_items
end

--- The oldest `frev` that the log keeps.
function fib_log.first()
  local oldest = redis.call('XRANGE', flog_key, '-', '+', 'COUNT', 1)[1]
  return oldest and tonumber(oldest[2][2]) or (router.view and router.view.frev or 0) + 1
end

function fib_log.check_types()
  if #fib_items > 0 or router.members.restarted then redis.call('XLEN', flog_key) end
end

function fib_log.save()
  if router.members.restarted then redis.call('DEL', flog_key) end
  if #fib_items == 0 then return end
  local frev = router.view.frev
  redis.call('XADD', flog_key, 'MINID', '~', text(math.max(0, frev - KEPT)), text(frev) .. '-0',
    'first', text(fib_before + 1), 'ts', text(now_ms), 'items', cmsgpack.pack(fib_items))
end
