#!/usr/bin/env bash
# service_test.sh EMULATOR: the service under a real systemd: its sandbox lets it do its work at real-time priority, it
# says that it is ready and alive, and it comes back, disarmed, when it was killed or hangs.
source "$(dirname "$0")/lib.sh"
emulator=$1
need_root "to run systemd in namespaces of its own"
need_program debootstrap debootstrap
need_program nsenter util-linux
need_registry

cd "$source_dir"
debs=$(scripts/package amd64)
root=$(mktemp -d /tmp/estuary-deploy-XXXXXX)
booted='' robot_pid=''
end() {
  [[ -z $robot_pid ]] || kill -9 "$robot_pid" 2>/dev/null || true
  halt_root
  drop_root "$root"
  rm -f "$root".*
}
trap end EXIT
base_root "$root"
cp $debs "$root/root/"
in_root "$root" sh -c 'apt-get install -y -q --no-install-recommends systemd systemd-sysv dbus procps /root/estuary-bridge_*.deb' \
  >"$root.log" 2>&1 || { tail -20 "$root.log"; fail "apt-get install failed"; }
umount "$root/dev" "$root/proc"
cat >>"$root/etc/estuary/bridge.conf" <<'CONF'
--listen=unix:/run/estuary/bridge.sock,127.0.0.1:15201
--replay=127.0.0.1:1
CONF
# A container that may not raise limits has the capabilities in their place, which says the same of the sandbox.
capabilities='0+'
if ! prlimit --rtprio=80 true 2>/dev/null; then
  say "limits cannot be raised here: capabilities instead"
  mkdir -p "$root/etc/systemd/system/estuary-bridge.service.d"
  printf '[Service]\nCapabilityBoundingSet=CAP_SYS_NICE\nAmbientCapabilities=CAP_SYS_NICE\n' \
    >"$root/etc/systemd/system/estuary-bridge.service.d/capabilities.conf"
  echo --norequire_realtime >>"$root/etc/estuary/bridge.conf"
  capabilities='0+800000'
fi
boot_root "$root"
status() { in_booted estuary robot status --bridge=unix:/run/estuary/bridge.sock; }
property() { in_booted systemctl show -P "$1" estuary-bridge; }
is() { status | grep -qE -- "$1"; }
has() { [[ $(property "$1") == "$2" ]]; }

say "not started, not enabled"
[[ $(property ActiveState) == inactive ]] || fail "the service is $(property ActiveState) right after installation"
[[ $(property UnitFileState) == disabled ]] || fail "the service is $(property UnitFileState)"

say "self-test as connect-your-robot.md says"
verdict=$(in_booted systemd-run --pipe --wait -p User=estuary -p LimitRTPRIO=80 -p LimitMEMLOCK=infinity \
  estuary-bridge --flagfile=/etc/estuary/bridge.conf --selftest 2>&1 || true)
expect 'verdict: ' "$verdict"

say "start"
in_booted systemctl enable --now estuary-bridge || fail "it does not start: $(in_booted journalctl -u estuary-bridge -n 20 --no-pager)"
expect 'is disarmed' "$(status)"
[[ $(property ActiveState) == active ]] || fail "the service is $(property ActiveState)"
pid=$(property MainPID)
threads=$(in_booted ps -L -o cls,rtprio,comm --no-headers -p "$pid")
expect 'FF +80 ' "$threads"
ordinary=$(grep -c TS <<<"$threads")
((ordinary >= 3)) || fail "everything runs at real-time priority: $threads"
[[ $capabilities != 0+ ]] || expect 'VmLck:.*[1-9]' "$(in_booted cat "/proc/$pid/status")"
expect "CapEff:[[:space:]]+$capabilities\$" "$(in_booted cat "/proc/$pid/status")"
expect 'Seccomp:[[:space:]]+2' "$(in_booted cat "/proc/$pid/status")"
in_booted systemd-analyze security estuary-bridge --no-pager | tail -n 1

say "it drives"
"$emulator" --bridge=127.0.0.1:15201 --seconds=600 --episodes=1000 >"$root.robot" 2>&1 &
robot_pid=$!
disown
wait_for 30 "the robot to connect" is 'connected +yes'
in_booted estuary robot arm --bridge=unix:/run/estuary/bridge.sock >/dev/null
wait_for 20 "recorded transitions" is 'transitions +([1-9][0-9]{2}|[0-9]+,)'
in_booted sh -c 'ls /var/lib/estuary/spool' >/dev/null || fail "no spool in its state directory"

say "killed: it comes back, disarmed"
in_booted systemctl kill -s KILL estuary-bridge
wait_for 20 "the restart" has NRestarts 1
wait_for 20 "the bridge" is 'is disarmed'
wait_for 30 "the robot to connect again" is 'connected +yes'

say "hung: its watchdog ends it"
pid=$(property MainPID)
in_booted kill -STOP "$pid"
wait_for 20 "the restart" has NRestarts 2
wait_for 20 "the bridge" is 'is disarmed'
expect 'watchdog' "$(in_booted journalctl -u estuary-bridge --no-pager | grep -i watchdog | head -2)"

say "stopped: it ends cleanly"
in_booted systemctl stop estuary-bridge
[[ $(property Result) == success ]] || fail "it ended with $(property Result)"

say "bad flags stay an error, and say which"
in_booted sh -c 'echo --realtime_priority=200 >>/etc/estuary/bridge.conf'
! in_booted systemctl start estuary-bridge 2>/dev/null || fail "it started at a priority that there is not"
expect "--realtime_priority must be from 0 to 99, got 200" "$(in_booted journalctl -u estuary-bridge -n 20 --no-pager)"
sleep 2
[[ $(property ActiveState) == failed ]] || fail "it tries again and again: $(property ActiveState)"
