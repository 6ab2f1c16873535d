#!/usr/bin/env bash
# .ci/failures.sh LOG: what failed in an npm test with this output, one line each, at most 50.
set -euo pipefail
readonly shown=50

mapfile -t failures < <(grep -a '^failed: ' "$1")
for failure in "${failures[@]:0:$shown}"; do printf '%s\n' "$failure"; done
if [ "${#failures[@]}" -gt "$shown" ]; then echo "and $((${#failures[@]} - shown)) more failures, listed above"; fi
