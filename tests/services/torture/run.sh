#!/usr/bin/env bash
# A short torture of `millstream up`. See README.md beside this file.
#
#   tests/services/torture/run.sh [OPTION...]      options as of `cargo xtask torture`
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cd "$HERE/../../.."
cargo run --quiet --package xtask -- torture --rounds 12 --seed 20 --moment-ms 2000 --hold-ms 2500 "$@"
