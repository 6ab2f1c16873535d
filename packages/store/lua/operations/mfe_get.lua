--- A forwarding entry (forwarding contract, section 5.7).
---
--- @arg   name string   see lib/mfes.lua
--- @reply found mfe:mfe
--- @reply none
--- @read
--- @include lib/mfe_changes.lua

function operations.mfe_get(name)
  local mfe = mfes.get(name)
  if not mfe then return { 'none' } end
  return { 'found', oifs.shape(mfe, (oifs.of(mfe, {}))) }
end
