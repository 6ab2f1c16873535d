--- Reports that forwarding entries could not be programmed, or could after all (forwarding contract, section 8.3).
---
--- @arg   handle       handle
--- @arg   names        string[]    see lib/mfes.lua
--- @arg   incarnations integer[]
--- @arg   reasons      string[]    '' for one that was programmed after all
--- @reply counted count:integer
--- @reply store_full
--- @reply ...session_refusal
--- @exclusive
--- @include lib/sequence.lua
--- @include lib/mfe_changes.lua

function operations.flow_failed(handle, names, incarnations, reasons)
  local client, refused = client_of(handle)
  if not client then return refused end
  if router.is_full then return { 'store_full' } end
  if has_mfes() then mfes.load(names) end
  mfe_reports.load('failed', names)
  local count = 0
  for i = 1, #names do
    local mfe = mfes.get(names[i])
    if mfe and mfe.incarnation == incarnations[i] then
      count = count + 1
      mfe_reports.fail(mfe, client, reasons[i])
    end
  end
  return { 'counted', count }
end
