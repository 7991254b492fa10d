#!/bin/sh
# One part of a run, for Bazel: shard.sh ADAPTER. Exit code 1 is that of a check that failed.
set -eu
test -z "${TEST_SHARD_STATUS_FILE:-}" || : >"$TEST_SHARD_STATUS_FILE"
exec "${KLCONF:-klconf}" run --json "${TEST_UNDECLARED_OUTPUTS_DIR:-.}/part-${TEST_SHARD_INDEX:-0}.json" -- "$@"
