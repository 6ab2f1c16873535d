--- A forwarding entry (forwarding contract, section 5.7).
---
--- @arg   name string   see lib/mfes.lua
--- @reply found mfe:mfe failed:mfe_failure[] programmed:integer
--- @reply none
--- @read
--- @include lib/mfe_changes.lua

function operations.mfe_get(name)
  local mfe = mfes.get(name)
  if not mfe then return { 'none' } end
  return { 'found', oifs.shape(mfe, (oifs.of(mfe, {}))), mfe_reports.failures(mfe), agents.lowest() }
end
