# For the deploy tests: what a test may ask for, and how it says that it cannot be had. CTest sees exit code 77 as
# "skipped"; the line above it says why.
set -euo pipefail
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { echo "--- $*"; }
fail() { echo "FAILED: $*" >&2; exit 1; }
skip() { echo "SKIPPED: $*" >&2; exit 77; }

need_root() { [[ $(id -u) == 0 ]] || skip "this needs root: $1"; }
need_program() { command -v "$1" >/dev/null || skip "this needs $1: apt-get install $2"; }
need_registry() {
  local file
  file=$(mktemp)
  /usr/lib/apt/apt-helper -q download-file http://deb.debian.org/debian/dists/bookworm/InRelease "$file" \
    >/dev/null 2>&1 || skip "this needs Debian's registry (deb.debian.org), which does not answer"
  rm -f "$file"
}

# Waits until a command succeeds: wait_for SECONDS WHAT COMMAND...
wait_for() {
  local seconds=$1 what=$2 end
  shift 2
  end=$((SECONDS + seconds))
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || fail "waited $seconds s for $what"
    sleep .2
  done
}

expect() { grep -qE -- "$1" <<<"$2" || fail "expected '$1' in: $2"; }
expect_not() { ! grep -qE -- "$1" <<<"$2" || fail "did not expect '$1' in: $2"; }

# base_root FOLDER: a Debian 12 as a robot's computer has it, minimal; kept as a tar for the next test.
base_root() {
  local root=$1 cache=$source_dir/build/deploy/bookworm.tar
  mkdir -p "$root" "$(dirname "$cache")"
  if [[ ! -f $cache ]]; then
    say "debootstrap"
    debootstrap --variant=minbase bookworm "$root" >"$root.log" 2>&1 || { tail -5 "$root.log"; fail "debootstrap failed"; }
    # As this machine reaches the registry.
    mkdir -p "$root/etc/apt/apt.conf.d" "$root/etc/ssl/certs"
    apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https|Check|Retries)' >"$root/etc/apt/apt.conf.d/90host" || true
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/" 2>/dev/null || true
    chroot "$root" apt-get update -q >>"$root.log" 2>&1 || { tail -5 "$root.log"; fail "apt-get update failed in the root"; }
    tar -C "$root" -cf "$cache.new" . && mv "$cache.new" "$cache"
    rm -f "$root.log"
  else
    tar -C "$root" -xf "$cache"
  fi
  mount_root "$root"
}

mount_root() {
  mount -t proc proc "$1/proc"
  mount --bind /dev "$1/dev"
}
# Whatever was started in a root ends, and the root goes.
drop_root() {
  local pid root=$1
  for pid in /proc/[0-9]*; do
    if [[ $(readlink "$pid/root" 2>/dev/null) == "$root" ]]; then kill -9 "${pid#/proc/}" 2>/dev/null || true; fi
  done
  umount "$root/dev" "$root/proc" 2>/dev/null || true
  mountpoint -q "$root/proc" || mountpoint -q "$root/dev" || rm -rf --one-file-system "$root"
}

in_root() {
  local root=$1
  shift
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive chroot "$root" "$@"
}

# boot_root ROOT: systemd as its process 1, in namespaces of its own but on this machine's network, so that a service
# runs as it would on a robot. Sets booted to its process; halt_root ends it and all that it started.
boot_root() {
  local root=$1 shell
  [[ -d /sys/fs/cgroup ]] || skip "this needs control groups"
  cat >"$root.boot" <<'BOOT'
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
mount -t tmpfs tmpfs "$1/run"
mount -t tmpfs tmpfs "$1/tmp"
mount -t tmpfs -o mode=755 tmpfs "$1/dev"
for device in null zero full random urandom tty; do touch "$1/dev/$device"; mount --bind "/dev/$device" "$1/dev/$device"; done
ln -s /proc/self/fd "$1/dev/fd"
mkdir "$1/dev/shm"
if mountpoint -q /sys/fs/cgroup/systemd; then
  mount -t tmpfs -o mode=755 tmpfs "$1/sys/fs/cgroup"
  mkdir "$1/sys/fs/cgroup/systemd"
  mount -t cgroup -o none,name=systemd,xattr cgroup "$1/sys/fs/cgroup/systemd"
else
  mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
fi
exec chroot "$1" env -i container=estuary-test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=0
BOOT
  unshare -m -p -i -u -C --fork --kill-child bash "$root.boot" "$root" </dev/null >"$root.booted" 2>&1 &
  shell=$!
  wait_for 10 "a first process: $(cat "$root.booted")" pgrep -P "$shell"
  booted=$(pgrep -P "$shell")
  for ((i = 0; i < 100; ++i)); do
    in_booted systemctl is-system-running 2>/dev/null | grep -qE 'running|degraded' && return
    kill -0 "$booted" 2>/dev/null || skip "systemd cannot run in a namespace here: $(tail -n 3 "$root.booted")"
    sleep .3
  done
  skip "systemd does not come up in a namespace here: $(tail -n 3 "$root.booted")"
}
in_booted() {
  timeout -s KILL 60 nsenter -t "$booted" -m -p -i -u -C -r -- env -i -C / PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"
}
# Its process 1 takes every other one along.
halt_root() { if [[ -n ${booted:-} ]]; then kill -9 "$booted" 2>/dev/null || true; booted=''; fi; }
