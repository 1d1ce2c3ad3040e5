#!/usr/bin/env bash
# arm64_test.sh: what scripts/package built for arm64 runs, under qemu's user emulation, which says nothing about time.
source "$(dirname "$0")/lib.sh"
cd "$source_dir"
need_program qemu-aarch64-static qemu-user-static
[[ -f build/arm64/build.ninja ]] || skip "there is no build/arm64: scripts/package arm64 makes it"

tests="bridge_loop_test bridge_allocation_test bridge_spool_test transition_test policy_test"
say "building $tests"
cmake --build --preset arm64 --target $tests >build/arm64/tests.log 2>&1 || { tail -20 build/arm64/tests.log; fail "the tests do not build"; }
for test in $tests; do
  say "$test"
  qemu-aarch64-static -L build/sysroot-arm64 "build/arm64/tests/bin/$test" --gtest_brief=1
done

emulated() { qemu-aarch64-static -L build/sysroot-arm64 "build/arm64/bin/$@"; }
say "estuary-bridge"
expect 'realtime_priority' "$(emulated estuary-bridge --help || true)"
expect '^estuary [0-9]' "$(emulated estuary --version)"
expect 'robot arm' "$(emulated estuary --help)"
selftest=$(emulated estuary-bridge --selftest --realtime_priority=0 2>&1 || true)
expect '2000 observations in 10 s, [1-9][0-9]* answered' "$selftest"
expect 'verdict: ' "$selftest"
tail -n 3 <<<"$selftest"
