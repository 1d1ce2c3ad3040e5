# Machines of a swarm, each a Docker engine in namespaces of its own (network, processes, mounts, host name), joined by
# a cable. Ending a machine's first process ends all that ran on it, at once, as pulling its plug would.
#
#   start_node NAME ADDRESS PEER     a machine; the first sets the cable up, the second takes its other end
#   on NAME docker-arguments...      docker on that machine
#   pull_plug NAME
#   stop_nodes                       and nothing of them is left
#
# Sourced after lib.sh. The engines' folders are under $nodes_root.

declare -A node_pid=()
nodes_root=$(mktemp -d /tmp/estuary-swarm-XXXXXX)
# In a kernel's tables of network devices until the cable is plugged in.
cable="es$$"

need_engine() {
  need_root "a Docker engine in namespaces of its own"
  need_program dockerd docker.io
  need_program ip iproute2
  need_program iptables iptables
  local said
  said=$(unshare --net --uts --pid --fork --mount --mount-proc true 2>&1) || skip "the kernel refuses namespaces: $said"
  said=$(ip link add "$cable.0" type veth peer name "$cable.1" 2>&1) || skip "the kernel has no veth devices: $said"
  ip link delete "$cable.0"
  said=$(unshare --net ip link add x type vxlan id 1 dstport 4789 2>&1) ||
    skip "the kernel has no vxlan, which overlay networks are made of: $said"
}

start_node() {
  local name=$1 address=$2 folder=$nodes_root/$1 end=${#node_pid[@]} shell
  mkdir -p "$folder"
  cat >"$folder/boot" <<BOOT
set -e
hostname $name
mount --make-rprivate /
# Of the machine's own: other engines here use the same paths.
mount -t tmpfs tmpfs /run
ip link set lo up
until ip link set $cable.$end up 2>/dev/null; do sleep .1; done
ip address add $address/24 dev $cable.$end
exec dockerd --data-root $folder/data --exec-root /run/docker --pidfile /run/docker.pid --host unix://$folder/docker.sock \
  --cgroup-parent /estuary-swarm-$$-$name --userland-proxy=false
BOOT
  unshare --net --uts --pid --mount --mount-proc --fork --kill-child bash "$folder/boot" >"$folder/log" 2>&1 &
  shell=$!
  wait_for 10 "the first process of $name" pgrep -P "$shell"
  node_pid[$name]=$(pgrep -P "$shell")
  ((end == 1)) || ip link add "$cable.0" type veth peer name "$cable.1"
  ip link set "$cable.$end" netns "${node_pid[$name]}"
  for ((i = 0; i < 150; ++i)); do
    on "$name" version >/dev/null 2>&1 && return
    kill -0 "$shell" 2>/dev/null || skip "no Docker engine runs in a namespace here: $(tail -n 3 "$folder/log")"
    sleep .2
  done
  skip "the Docker engine in a namespace does not answer: $(tail -n 3 "$folder/log")"
}

on() {
  local name=$1
  shift
  timeout 300 /usr/bin/docker --host "unix://$nodes_root/$name/docker.sock" "$@"
}

pull_plug() {
  kill -9 "${node_pid[$1]}"
  wait_for 10 "the end of $1" bash -c "! kill -0 ${node_pid[$1]}"
  unset "node_pid[$1]"
}

stop_nodes() {
  local name group
  for name in "${!node_pid[@]}"; do
    kill -9 "${node_pid[$name]}" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  ip link delete "$cable.0" 2>/dev/null || true
  find /sys/fs/cgroup -depth -type d -path "*/estuary-swarm-$$-*" -exec rmdir {} + 2>/dev/null || true
  rm -rf --one-file-system "$nodes_root"
}
