--- What agents report about forwarding entries: failures and counters. Each kind is a hash by name of the MFE; a value has the
--- incarnation, and for each session what it reported last. It is deleted with the MFE. Rows of sessions that are over
--- count for nothing, and the next report about the MFE removes them (forwarding contract, sections 5.7 and 8.3).
---
--- @include lib/mfes.lua
--- @include lib/agents.lua
--- @shape mfe_failure session:session reason:string
--- @shape mfe_sums counters:integer[] oif_counters:integer[] out_packets:integer
--- @shape failed_mfe name:string by:mfe_failure[]

local mfe_reports = {}

--- Sessions whose reports one MFE keeps.
local REPORTERS_MAX = 64

--- Failures that a reply shows of one MFE.
local FAILURES_SHOWN = 16

--- Positions in a row.
local REPORTER, REPORT = 1, 2

--- Counters of a report, and of each outgoing interface in it; the place of the packets sent among the latter.
local COUNTERS, OIF_COUNTERS, OUT_PACKETS = 8, 4, 3

--- Where a sum of counters stays: larger integers are not exact.
local SUM_MAX = 9007199254740991

--- Outgoing interfaces whose counters one session keeps of one MFE.
local COUNTED_OIFS_MAX = 16384

--- By kind and name: a record, false for none.
local loaded_reports

function mfe_reports.begin()
  loaded_reports = { failed = {}, stats = {} }
end

local function reports_key(kind)
  return kind == 'failed' and mfe_failed_key or mfe_stats_key
end

--- Reads the reports about MFEs, thousands with one command.
function mfe_reports.load(kind, names)
  local loaded, missing = loaded_reports[kind], {}
  for i = 1, #names do
    if loaded[names[i]] == nil then
      loaded[names[i]] = false
      missing[#missing + 1] = names[i]
    end
  end
  for first = 1, #missing, CHUNK do
    local last = math.min(first + CHUNK - 1, #missing)
    local packed = redis.call('HMGET', reports_key(kind), unpack(missing, first, last))
    for i = first, last do
      local one = packed[i - first + 1]
      if one then
        local incarnation, rows = cmsgpack.unpack(one)
        loaded[missing[i]] = { incarnation = incarnation, rows = rows }
      end
    end
  end
end

--- The rows about this incarnation, also those of sessions that are over.
local function stored_rows(kind, mfe)
  local record = loaded_reports[kind][mfe.name]
  if record == nil then
    mfe_reports.load(kind, { mfe.name })
    record = loaded_reports[kind][mfe.name]
  end
  return record and record.incarnation == mfe.incarnation and record.rows or {}
end

--- The rows of live sessions about an MFE.
function mfe_reports.rows(kind, mfe)
  local rows, live = stored_rows(kind, mfe), {}
  for i = 1, #rows do
    if agents.live(rows[i][REPORTER]) then live[#live + 1] = rows[i] end
  end
  return live
end

--- What this session reported last about an MFE, or nil.
function mfe_reports.of_session(kind, mfe, session)
  local rows = stored_rows(kind, mfe)
  for i = 1, #rows do
    if rows[i][REPORTER] == session then return rows[i][REPORT] end
  end
end

--- Replaces what a session reports about an MFE; nil: nothing any more. Returns by how much the number of its reports changed;
--- above the limit of an MFE a new one is dropped.
function mfe_reports.set(kind, mfe, client, report)
  local others, had = {}, 0
  local rows = mfe_reports.rows(kind, mfe)
  for i = 1, #rows do
    if rows[i][REPORTER] == client.session then had = 1 else others[#others + 1] = rows[i] end
  end
  local has = report ~= nil and #others < REPORTERS_MAX and 1 or 0
  if has == 1 then others[#others + 1] = { client.session, report } end
  loaded_reports[kind][mfe.name] = { incarnation = mfe.incarnation, rows = others, changed = true }
  router.view.changed = true
  return has - had
end

--- A session could not program an MFE for this reason; '' where it could after all.
function mfe_reports.fail(mfe, client, reason)
  local change = mfe_reports.set('failed', mfe, client, reason ~= '' and reason or nil)
  if change == 0 then return end
  agents.remember(client)
  agents.count_failure(client.session, change)
end

--- The first failures of an MFE, at most as many as a reply shows: session and reason.
function mfe_reports.failures(mfe)
  local rows = mfe_reports.rows('failed', mfe)
  return { unpack(rows, 1, math.min(#rows, FAILURES_SHOWN)) }
end

--- A session reports its absolute counters of an MFE, and of outgoing interfaces by name. Interfaces that it does not name
--- keep what it reported of them before: the counters of many do not fit into one request.
function mfe_reports.count(mfe, client, counters, by_oif)
  local before = mfe_reports.of_session('stats', mfe, client.session)
  local merged, places = before and before[2] or {}, COUNTED_OIFS_MAX
  for _ in pairs(merged) do places = places - 1 end
  for name, values in pairs(by_oif) do
    if not merged[name] then places = places - 1 end
    if merged[name] or places >= 0 then merged[name] = values end
  end
  mfe_reports.set('stats', mfe, client, { counters, merged })
end

local function sum(one, other)
  return math.min(one + other, SUM_MAX)
end

--- The sums of the counters of an MFE, of the first `count` outgoing interfaces, and of all packets sent. Those of the interfaces are
--- left out where nothing is reported.
function mfe_reports.sums(mfe, names, count)
  local rows, counters, oif_counters, out_packets = mfe_reports.rows('stats', mfe), {}, {}, 0
  for i = 1, COUNTERS do counters[i] = 0 end
  for i = 1, rows[1] and count * OIF_COUNTERS or 0 do oif_counters[i] = 0 end
  for i = 1, #rows do
    local own, by_oif = unpack(rows[i][REPORT])
    for j = 1, COUNTERS do counters[j] = sum(counters[j], own[j]) end
    for _, values in pairs(by_oif) do out_packets = sum(out_packets, values[OUT_PACKETS]) end
    for j = 1, count do
      local values, first = by_oif[names[j]], (j - 1) * OIF_COUNTERS
      for k = 1, values and OIF_COUNTERS or 0 do
        oif_counters[first + k] = sum(oif_counters[first + k], values[k])
      end
    end
  end
  return { counters, oif_counters, out_packets }
end

--- An MFE that is removed takes its reports with it.
function mfe_reports.drop(mfe)
  local rows = stored_rows('failed', mfe)
  for i = 1, #rows do agents.count_failure(rows[i][REPORTER], -1) end
  for _, loaded in pairs(loaded_reports) do
    loaded[mfe.name] = { incarnation = mfe.incarnation, rows = {}, changed = true }
  end
end

function mfe_reports.check_types()
  redis.call('HLEN', mfe_failed_key)
  redis.call('HLEN', mfe_stats_key)
end

function mfe_reports.save()
  for kind, loaded in pairs(loaded_reports) do
    local key, values, gone = reports_key(kind), {}, {}
    for name, record in pairs(loaded) do
      if record and record.changed then
        if #record.rows == 0 then
          gone[#gone + 1] = name
        else
          values[#values + 1] = name
          values[#values + 1] = cmsgpack.pack(record.incarnation, record.rows)
        end
      end
    end
    in_chunks(gone, function(...) redis.call('HDEL', key, ...) end)
    in_chunks(values, function(...) redis.call('HSET', key, ...) end)
  end
end
