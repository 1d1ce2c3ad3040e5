# Docker for the deploy tests, sourced after lib.sh: an engine of the test's own, a base image, Estuary's images. Whatever
# is made here is gone after stop_engines; an engine that runs on this machine already is left alone.
engines=()          # folders of those that were started
docker_client=docker
[[ -x /usr/bin/docker ]] && docker_client=/usr/bin/docker # Debian's, which builds with BuildKit without a plugin
docker() { "$docker_client" "$@"; }

# Debian's packages of scripts/versions.env, without starting what they would start.
install_docker() {
  local package missing=()
  source "$source_dir/scripts/versions.env"
  for package in $DOCKER_DEBIAN_PACKAGES; do
    dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  need_root "to install ${missing[*]}"
  need_registry
  say "installing ${missing[*]}"
  printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d.estuary
  chmod +x /usr/sbin/policy-rc.d.estuary
  [[ -e /usr/sbin/policy-rc.d ]] || ln -s policy-rc.d.estuary /usr/sbin/policy-rc.d
  local log rc=0
  log=$(mktemp)
  { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"; } \
    >"$log" 2>&1 || rc=$?
  [[ $(readlink /usr/sbin/policy-rc.d) != policy-rc.d.estuary ]] || rm /usr/sbin/policy-rc.d
  rm -f /usr/sbin/policy-rc.d.estuary
  ((rc == 0)) || { tail -n 5 "$log"; skip "apt cannot install ${missing[*]}"; }
  rm -f "$log"
}

# A bare root has no control groups; an engine needs them.
mount_cgroups() {
  local controller
  [[ -d /sys/fs/cgroup ]] || skip "this kernel has no control groups"
  if mountpoint -q /sys/fs/cgroup || [[ -n $(ls /sys/fs/cgroup) ]]; then return 0; fi
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup || skip "control groups cannot be mounted here"
  for controller in $(awk '!/^#/ && $2 != 0 {print $1}' /proc/cgroups); do
    mkdir "/sys/fs/cgroup/$controller"
    mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller" || rmdir "/sys/fs/cgroup/$controller"
  done
  if [[ -z $(ls /sys/fs/cgroup) ]]; then
    umount /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup || skip "control groups cannot be mounted here"
  fi
}

# start_engine NAME [FLAG...]: a dockerd with its data in a temporary folder; DOCKER_HOST names it from then on. With
# ENGINE_NETNS set it runs in that network namespace.
start_engine() {
  local name=$1 folder=
  shift
  need_root "to run a Docker engine"
  install_docker
  mount_cgroups
  folder=$(mktemp -d "/tmp/estuary-docker-$name-XXXXXX")
  engines+=("$folder")
  local into=()
  [[ -z ${ENGINE_NETNS:-} ]] || into=(nsenter "--net=/run/netns/$ENGINE_NETNS")
  # docker0 belongs to the engine that this machine may run already.
  "${into[@]}" dockerd --data-root="$folder/data" --exec-root="$folder/exec" --pidfile="$folder/pid" \
    --host="unix://$folder/sock" --bridge=none --default-address-pool=base=10.213.0.0/16,size=24 "$@" \
    >"$folder/log" 2>&1 &
  disown
  export DOCKER_HOST=unix://$folder/sock
  for ((i = 0; i < 150; ++i)); do
    docker version >/dev/null 2>&1 && return
    if ((i > 20)) && ! { [[ -f $folder/pid ]] && kill -0 "$(cat "$folder/pid")" 2>/dev/null; }; then break; fi
    sleep .2
  done
  local why
  why=$(grep -E 'level=(fatal|error)|failed to' "$folder/log" | tail -n 1 || tail -n 1 "$folder/log")
  skip "a Docker engine does not start here: $why"
}

# A container that runs and ends, on the base image.
need_containers() {
  local error
  error=$(docker run --rm --network=none --read-only --cap-drop=ALL "$base_image" /bin/true 2>&1) ||
    skip "this kernel refuses Docker's containers: $error"
}

stop_engines() {
  local folder pid mounted
  for folder in ${engines[@]+"${engines[@]}"}; do
    pid=$(cat "$folder/pid" 2>/dev/null || true)
    if [[ -n $pid ]]; then
      kill -TERM "$pid" 2>/dev/null || true
      for ((i = 0; i < 100; ++i)); do kill -0 "$pid" 2>/dev/null || break; sleep .2; done
      kill -9 "$pid" 2>/dev/null || true
    fi
    for mounted in $(awk -v under="$folder/" 'index($2, under) == 1 {print $2}' /proc/mounts | sort -r); do
      umount -l "$mounted" || true
    done
    rm -rf --one-file-system "$folder"
  done
  engines=()
}

# --- images ---
base_image=estuary-test/base:bookworm

# A minimal Debian 12 as base_root has it, without what no process reads.
make_base_image() {
  local root
  root=$(mktemp -d /tmp/estuary-base-XXXXXX)
  if [[ ! -f $source_dir/build/deploy/bookworm.tar ]]; then
    need_program debootstrap debootstrap
    need_registry
  fi
  base_root "$root"
  umount "$root/dev" "$root/proc"
  rm -rf "$root"/usr/share/{doc,man,locale,info}/* "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*
  tar -C "$root" -c . | docker import - "$base_image" >/dev/null
  drop_root "$root"
}

# A folder as an image that a build stage can copy from: seed_image TAG NAME-IN-THE-IMAGE FOLDER [TAR-FLAG...]
seed_image() {
  local tag=$1 name=$2 folder=$3
  shift 3
  tar --warning=no-file-changed -C "$folder" "$@" --transform "s,^\.,$name," -c . | docker import - "$tag" >/dev/null
}

# Everything that this machine has compiled and fetched already is not compiled and fetched again: the build lies at the
# same path, with the same settings of the cache.
build_images() {
  local cache flags=(--network=host "--build-arg=SOURCE=$source_dir") settings variable
  for variable in LANG LC_ALL; do
    [[ -z ${!variable+set} ]] || flags+=("--build-arg=$variable=${!variable}")
  done
  if [[ -f $source_dir/.deps/torch.mark ]]; then
    seed_image estuary-test/deps:seed deps "$source_dir/.deps" --exclude=./prometheus --exclude=./prometheus.mark
    flags+=(--build-arg=DEPS_SEED=estuary-test/deps:seed)
  fi
  cache=$(ccache --get-config cache_dir 2>/dev/null || true)
  if [[ -d $cache ]]; then
    settings=$(mktemp -d)
    for setting in base_dir hash_dir compiler_check sloppiness max_size; do
      echo "$setting = $(ccache --get-config "$setting")"
    done >"$settings/ccache.conf"
    seed_image estuary-test/ccache:settings ccache "$settings"
    seed_image estuary-test/ccache:objects ccache "$cache" --exclude=./tmp --exclude=./ccache.conf
    printf 'FROM estuary-test/ccache:objects\nCOPY --from=estuary-test/ccache:settings /ccache/ccache.conf /ccache/\n' |
      DOCKER_BUILDKIT=1 docker build --quiet --network=none --tag estuary-test/ccache:seed - >/dev/null
    rm -rf "$settings"
    flags+=(--build-arg=CCACHE_SEED=estuary-test/ccache:seed)
  fi
  DOCKER=$docker_client ESTUARY_BASE=$base_image ESTUARY_BUILD_FLAGS="${flags[*]}" "$source_dir/deploy/docker/build" "$@"
}
