# The images that the swarm's nodes run, made of a build's binaries as deploy/docker/Dockerfile makes them of its own:
# that the sources build there is the compose test's to show. Sourced after docker.sh.

# make_images BIN_DIR PREFIX TAG: all roles on the engine that DOCKER_HOST names.
make_images() {
  local bin=$1 prefix=$2 tag=$3 context role container
  context=$(mktemp -d "$nodes_root/context-XXXXXX")
  mkdir "$context/base"
  container=$(docker create "$base_image" /bin/true)
  docker export "$container" | tar -C "$context/base" -x --exclude='dev/*'
  docker rm "$container" >/dev/null
  ESTUARY_BIN_DIR=$bin "$source_dir/deploy/docker/collect" "$context/base" "$context/all" \
    estuary{,-replay,-learner,-actor,-bridge,-robot}
  # What the sweep's report is drawn with, as this machine has it: the nodes have no registry.
  ESTUARY_BIN_DIR=/usr/bin "$source_dir/deploy/docker/collect" "$context/base" "$context/all" gnuplot-nox
  ln -s gnuplot-nox "$context/all/usr/local/bin/gnuplot"
  rm -rf "$context/base"
  mkdir -p "$context/all/usr/local/share/estuary" "$context"/owned/{var/lib/estuary,etc/estuary/tls,etc/estuary/run}
  cp -r "$source_dir/experiments" "$context/all/usr/local/share/estuary/"
  cat >"$context/Dockerfile" <<DOCKERFILE
FROM $base_image AS all
COPY all /
COPY --chown=10001:10001 owned /
RUN echo /usr/local/lib/estuary >/etc/ld.so.conf.d/estuary.conf && ldconfig
USER 10001:10001
WORKDIR /usr/local/share/estuary
$(while read -r role program; do
    printf 'FROM all AS %s\nENTRYPOINT ["/usr/local/bin/%s"]\n' "$role" "$program"
  done <<ROLES
replay estuary-replay
learner-cpu estuary-learner
actor estuary-actor
bridge estuary-bridge
robot estuary-robot
tools estuary
sweep estuary
ROLES
)
DOCKERFILE
  for role in replay learner-cpu actor bridge robot tools sweep; do
    DOCKER_BUILDKIT=1 docker build --quiet --network=none --target "$role" --tag "$prefix/$role:$tag" "$context" >/dev/null
  done
  rm -rf "$context"
}
