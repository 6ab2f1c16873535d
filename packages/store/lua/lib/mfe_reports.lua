--- What agents report about forwarding entries: failures and counters. Each kind is a hash by name of the MFE; a value has the
--- incarnation, and for each session what it reported last. It is deleted with the MFE. Rows of sessions that are over
--- count for nothing, and the next report about the MFE removes them (forwarding contract, sections 5.7 and 8.3).
---
--- @include lib/mfes.lua
--- @include lib/agents.lua
--- @shape mfe_failure session:session reason:string
--- @shape failed_mfe name:string by:mfe_failure[]

local mfe_reports = {}

--- Sessions whose reports one MFE keeps.
local REPORTERS_MAX = 64

--- Failures that a reply shows of one MFE.
local FAILURES_SHOWN = 16

--- Positions in a row.
local REPORTER, REPORT = 1, 2

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
