#!/usr/bin/env bash
# install_test.sh EMULATOR: a robot's computer, from a bare Debian 12 to a robot that stands, and back: the packages
# install, the bridge is not started, runs as its service would, drives the emulated robot and the example program built
# against the installed client, and purging leaves nothing.
source "$(dirname "$0")/lib.sh"
emulator=$1
need_root "to make a root file system and install packages in it"
need_program debootstrap debootstrap
need_program prlimit util-linux
[[ -f $source_dir/build/deploy/bookworm.tar ]] || need_registry
need_registry
[[ -x $emulator ]] || fail "no emulator at $emulator"

cd "$source_dir"
debs=$(scripts/package amd64)
root=$(mktemp -d /tmp/estuary-deploy-XXXXXX)
bridge_pid='' robot_pid=''
end() {
  kill -9 $bridge_pid $robot_pid 2>/dev/null || true
  drop_root "$root"
  rm -f "$root".*
}
trap end EXIT
base_root "$root"
size() { in_root "$root" dpkg-query -W -f='${Installed-Size}\n' | awk '{s += $1} END {print s}'; }
files() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./tmp -o -path ./var/cache \
  -o -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path ./var/log \) -prune -o -print | sort); }

say "install"
files >"$root.before"
before=$(size)
cp $debs "$root/tmp/"
in_root "$root" sh -c 'apt-get install -y -q --no-install-recommends /tmp/estuary-bridge_*.deb' >"$root.log" 2>&1 ||
  { tail -20 "$root.log"; fail "apt-get install failed"; }
echo "estuary-bridge with all it needs: $((($(size) - before) / 1024)) MiB on top of a minimal Debian 12"
expect '^estuary:' "$(in_root "$root" getent passwd estuary)"
[[ $(stat -c '%a %U %G' "$root/etc/estuary/certs") == "750 root "* ]] || fail "certs: $(stat -c '%a %U %G' "$root/etc/estuary/certs")"
gid=$(in_root "$root" id -g estuary)
[[ $(stat -c %g "$root/etc/estuary") == "$gid" ]] || fail "/etc/estuary is not group estuary's"
[[ ! -e $root/etc/systemd/system/multi-user.target.wants/estuary-bridge.service ]] || fail "the service was enabled"

# As the unit starts it: that user, its folders, its limits; ordinary rights otherwise.
in_root "$root" install -d -o estuary -g estuary -m 0750 /run/estuary
limits=(prlimit --rtprio=80 --memlock=unlimited)
"${limits[@]}" true 2>/dev/null || limits=() # Not every container may raise them; the bridge says so and goes on.
as_service=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "${limits[@]}"
  chroot "$root" setpriv --reuid estuary --regid estuary --init-groups --no-new-privs --bounding-set=-all)
start_bridge() {
  "${as_service[@]}" sh -c 'umask 0007; exec "$@"' sh estuary-bridge --flagfile=/etc/estuary/bridge.conf "$@" >"$root.bridge" 2>&1 &
  bridge_pid=$!
  wait_for 30 "the bridge: $(cat "$root.bridge")" in_root "$root" estuary robot status --bridge="$socket"
}
stop_bridge() {
  kill -TERM "$bridge_pid"
  wait "$bridge_pid" || fail "the bridge ended with $?: $(cat "$root.bridge")"
  bridge_pid=''
}
socket=unix:/run/estuary/bridge.sock
status() { in_root "$root" estuary robot status --bridge="$socket"; }
is() { status | grep -qE -- "$1"; }

say "self-test"
# The verdict is about this machine, which a test may not judge; that there is one is what counts.
verdict=$("${as_service[@]}" estuary-bridge --flagfile=/etc/estuary/bridge.conf --norequire_realtime --selftest 2>&1 || true)
expect 'verdict: ' "$verdict"
tail -n 4 <<<"$verdict"
[[ -z $(ls "$root"/tmp | grep selftest || true) ]] || fail "the self-test left something in /tmp"

say "the emulated robot"
start_bridge --norequire_realtime
expect 'is disarmed' "$(status)"
"$emulator" --bridge="unix:$root/run/estuary/bridge.sock" --seconds=600 --episodes=1000 >"$root.robot" 2>&1 &
robot_pid=$!
wait_for 30 "the robot to connect" is 'connected +yes'
in_root "$root" estuary robot arm --bridge="$socket" >/dev/null
wait_for 10 "the robot to stand" is 'episode +[3-9]\.'
expect 'is armed' "$(status)"
in_root "$root" estuary robot estop --reason=drill --bridge="$socket" >/dev/null
expect 'is estop.*drill' "$(status)"
kill -TERM "$robot_pid" && wait "$robot_pid" || true
robot_pid=''
stop_bridge

say "spool"
# A replay that is away: what was driven waits on disk, and is there after a restart.
start_bridge --norequire_realtime --replay=127.0.0.1:1
"$emulator" --bridge="unix:$root/run/estuary/bridge.sock" --seconds=600 --episodes=1000 >"$root.robot" 2>&1 &
robot_pid=$!
wait_for 30 "the robot to connect" is 'connected +yes'
in_root "$root" estuary robot arm --bridge="$socket" >/dev/null
wait_for 20 "recorded transitions" is 'transitions +([1-9][0-9]{2}|[0-9]+,)'
kill -9 "$bridge_pid"
wait "$bridge_pid" 2>/dev/null || true
kill -TERM "$robot_pid" && wait "$robot_pid" || true
robot_pid=''
[[ -n $(find "$root/var/lib/estuary/spool" -type f -size +0) ]] || fail "the spool is empty"
start_bridge --norequire_realtime --replay=127.0.0.1:1
stop_bridge

say "the client package and its examples"
in_root "$root" sh -c 'apt-get install -y -q --no-install-recommends /tmp/estuary-robot-client_*.deb g++ cmake make' \
  >"$root.log" 2>&1 || { tail -20 "$root.log"; fail "apt-get install failed"; }
in_root "$root" sh -c 'cmake -DCMAKE_CXX_FLAGS="-Wall -Wextra -Werror" -DCMAKE_C_FLAGS="-Wall -Wextra -Werror" \
  -S /usr/share/doc/estuary-robot-client/examples -B /tmp/example && cmake --build /tmp/example' >"$root.log" 2>&1 ||
  { tail -20 "$root.log"; fail "the examples do not build against the installed package"; }
needed=$(readelf -dW "$root/tmp/example/robot_frames" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
expect_not 'estuary|grpc|absl' "$needed"
# drive WHAT ARGUMENTS...: the example program stands until it ends.
drive() {
  local what=$1
  shift
  chroot "$root" "$@" >"$root.robot" 2>&1 &
  robot_pid=$!
  # Refused as long as no observation comes; the robot before this one may still count as connected.
  wait_for 30 "$what to be armed: $(cat "$root.robot")" in_root "$root" estuary robot arm --bridge="$socket"
  wait_for 6 "the transitions of $what" is 'transitions +([1-9][0-9]{2}|[0-9]+,)'
  wait "$robot_pid" || fail "$what ended with $?: $(cat "$root.robot")"
  robot_pid=''
  tail -n 1 "$root.robot"
  expect 'motors on for (about )?[2-9]' "$(cat "$root.robot")"
  # The robot fell silent while its motors were on.
  wait_for 10 "the emergency stop" is 'is estop: no usable observation'
}
start_bridge --norequire_realtime
drive "the example over gRPC" /tmp/example/robot "$socket" 8
stop_bridge
start_bridge --norequire_realtime --driver=udp --udp_listen=127.0.0.1:15202
drive "the example over UDP" /tmp/example/robot_frames udp:127.0.0.1:15202 8
drive "the firmware's example" /tmp/example/robot_firmware 127.0.0.1 15202 8
stop_bridge

say "certificates"
# What connect-your-robot.md says: the bridge on TCP, the robot and its operator with certificates of their own.
in_root "$root" sh -ec 'cd /tmp
  estuary certs init --output=lab-ca --name=our-lab
  estuary certs issue --authority=lab-ca --role=bridge --name=wl-01-bridge --ip=127.0.0.1 --output=wl-01-bridge
  estuary certs issue --authority=lab-ca --role=robot --name=wl-01 --output=wl-01
  estuary certs issue --authority=lab-ca --role=operator --name=ada --output=ada
  install -m 0440 -o root -g estuary wl-01-bridge/ca.pem wl-01-bridge/cert.pem /etc/estuary/certs/
  install -m 0400 -o estuary -g estuary wl-01-bridge/key.pem /etc/estuary/certs/' >"$root.log" 2>&1 ||
  { cat "$root.log"; fail "the certificates"; }
start_bridge --norequire_realtime --listen=unix:/run/estuary/bridge.sock,127.0.0.1:15203 --tls=/etc/estuary/certs
drive "the example over TLS" env ESTUARY_TLS=/tmp/wl-01 /tmp/example/robot 127.0.0.1:15203 8
expect 'is estop' "$(in_root "$root" estuary robot status --bridge=127.0.0.1:15203 --tls=/tmp/ada)"
refusal=$(in_root "$root" estuary robot arm --bridge=127.0.0.1:15203 --tls=/tmp/wl-01 2>&1 || true)
expect "robot 'wl-01' may not" "$refusal"
refusal=$(in_root "$root" /tmp/example/robot 10.0.0.1:5201 1 2>&1 || true)
expect 'error: .*plaintext' "$refusal"
stop_bridge

say "upgrade and removal keep what is the operator's"
echo '--robot=mine' >>"$root/etc/estuary/bridge.conf"
touch "$root/etc/estuary/certs/key.pem"
in_root "$root" sh -c 'apt-get install -y -q --reinstall /tmp/estuary-bridge_*.deb' >"$root.log" 2>&1 || fail "reinstallation: $(tail -5 "$root.log")"
grep -q mine "$root/etc/estuary/bridge.conf" || fail "the upgrade took the configuration away"
in_root "$root" apt-get remove -y -q estuary-bridge >"$root.log" 2>&1 || fail "removal: $(tail -5 "$root.log")"
[[ ! -e $root/usr/bin/estuary-bridge ]] || fail "removal left the binary"
[[ -e $root/etc/estuary/certs/key.pem ]] || fail "removal took a certificate"
[[ -n $(find "$root/var/lib/estuary/spool" -type f) ]] || fail "removal took the spool"

say "purge"
rm -rf "$root/tmp/"*
in_root "$root" apt-get purge -y -q estuary-bridge estuary-robot-client >"$root.log" 2>&1 || fail "purge: $(tail -5 "$root.log")"
in_root "$root" apt-get purge -y -q g++ cmake make >>"$root.log" 2>&1 || fail "purge: $(tail -5 "$root.log")"
in_root "$root" apt-get autoremove -y -q --purge >>"$root.log" 2>&1 || fail "autoremove: $(tail -5 "$root.log")"
! grep -rl estuary "$root"/etc/passwd "$root"/etc/group "$root"/etc/shadow "$root"/etc/systemd 2>/dev/null || fail "purge left the user"
files >"$root.after"
left=$(comm -13 "$root.before" "$root.after" | grep -i estuary || true)
[[ -z $left ]] || fail "purge left: $left"
