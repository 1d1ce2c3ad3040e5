#!/usr/bin/env bash
# compose_test.sh: the images are built, a cluster comes up, trains and drives the robot; its processes are killed one
# after the other, and nothing that was acknowledged is lost; nobody without a certificate gets anywhere; nothing is left.
#
#   ESTUARY_DOCKER_READY=1    with the engine that DOCKER_HOST names and the images it has
source "$(dirname "$0")/../lib.sh"
source "$source_dir/tests/deploy/docker.sh"
source "$(dirname "$0")/cluster.sh"
source "$(dirname "$0")/ports.sh"
need_root "to run a Docker engine"
cd "$source_dir"
foreign=$(mktemp -d)
end() {
  local status=$?
  if ((status != 0 && status != 77)); then
    learner_status || true
    replay_status || true
    robot_status || true
    docker ps -a 2>/dev/null || true
    for service in prepare import learner bridge operator; do docker logs --tail 5 "$(container $service)" 2>&1 | cut -c1-300 || true; done
  fi
  docker rm -f "$(container probe)" >/dev/null 2>&1 || true
  compose down -v --remove-orphans >/dev/null 2>&1 || true
  stop_engines
  rm -rf "$foreign"
}
trap end EXIT

if [[ -z ${ESTUARY_DOCKER_READY:-} ]]; then
  start_engine compose
  say "images"
  make_base_image
  need_containers
  begin=$SECONDS
  build_images replay actor bridge robot tools learner-cpu
  echo "built in $((SECONDS - begin)) s"
fi
[[ -d .deps/prometheus ]] || skip "this needs .deps/prometheus: scripts/setup"
DOCKER_BUILDKIT=1 docker build --quiet --network=none --build-arg "BASE=$base_image" --file "$here/prometheus.Dockerfile" \
  --tag estuary-test/prometheus:bookworm .deps/prometheus >/dev/null
base_size=$(docker inspect --format '{{.Size}}' "$base_image")
for image in replay actor bridge robot tools learner-cpu; do
  size=$((($(docker inspect --format '{{.Size}}' "estuary/$image") - base_size) / 1000000))
  echo "estuary/$image: $size MB over the base"
  [[ $image == learner-cpu ]] || ((size < 150)) || fail "estuary/$image is $size MB over the base; 150 are allowed"
  [[ $(docker inspect --format '{{.Config.User}}' "estuary/$image") == 10001:10001 ]] || fail "estuary/$image is not user 10001's"
done
configure

say "up"
begin=$SECONDS
compose up -d >"$foreign/up.log" 2>&1 || { tail -n 20 "$foreign/up.log"; fail "docker-compose up"; }
start_probe
wait_for 120 "the first gradient step" more_than gradient_steps 0
echo "first gradient step after $((SECONDS - begin)) s"
for service in replay-0 replay-1 learner actor evaluator bridge robot prometheus alertmanager; do
  wait_for 60 "$service to be healthy" is_healthy "$service"
done
version=$(policy_version)
wait_for 60 "a policy version after $version" more_than policy_version "${version:-0}"
drive
wait_for 120 "the robot to stand: $(robot_status)" stands
wait_for 60 "real transitions to be acknowledged" more_than acknowledged 500

say "ports"
check_ports
for service in replay-0 replay-1 learner actor evaluator bridge robot; do
  [[ $(state_of $service '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.SecurityOpt}}') == 'true [ALL] [no-new-privileges:true]' ]] ||
    fail "$service has rights that it does not need"
done

say "without a certificate"
docker run --rm -v "$foreign:/foreign" --user 0 estuary/tools certs lab --output=/foreign operator viewer >/dev/null
stranger() { docker run --rm --network "${project}_$1" --user 0 -v "$foreign:/foreign:ro" estuary/tools "${@:2}" 2>&1 && fail "a stranger was let in: ${*:2}" || true; }
expect 'does it want --tls' "$(stranger training status --learner=learner:5100 --insecure)"
expect 'refuse' "$(stranger training status --learner=learner:5100 --tls=/foreign/operator)"
expect 'refuse' "$(stranger training status --replay=replay-0:5001 --tls=/foreign/operator)"
expect 'refuse' "$(stranger robot robot estop --bridge=bridge:5201 --tls=/foreign/operator)"
expect 'no address' "$(stranger robot status --learner=learner:5100 --tls=/foreign/operator)"
metrics=$(docker inspect --format "{{(index .NetworkSettings.Networks \"${project}_training\").IPAddress}}" "$(container replay-0)"):9100
answer=$(printf 'GET /metrics HTTP/1.0\r\n\r\n' | timeout 5 openssl s_client -quiet -connect "$metrics" 2>&1 || true)
expect_not 'estuary_replay' "$answer"

say "the learner dies"
safe=$(acknowledged) steps=$(gradient_steps)
crash learner
wait_for 120 "training to go on" more_than gradient_steps "$steps"
kept "$safe"

say "a shard dies"
safe=$(acknowledged)
crash replay-1
kept "$safe"
steps=$(gradient_steps)
wait_for 120 "training to go on" more_than gradient_steps "$steps"

say "an actor dies"
before=$(environment_steps)
crash actor
wait_for 120 "simulator steps" more_than environment_steps "$before"

say "the bridge loses the training's network"
drive
safe=$(acknowledged)
docker network disconnect "${project}_training" "$(container bridge)"
wait_for 60 "transitions in the spool" more_than spooled 400
wait_for 120 "the robot to stand meanwhile: $(robot_status)" stands
docker network connect --alias bridge "${project}_training" "$(container bridge)"
caught_up() { (($(spooled) < 100)) && more_than acknowledged "$((safe + 400))"; }
wait_for 120 "the spool to be sent" caught_up
kept "$(acknowledged)"

if [[ -f tests/deploy/watching/check_queries.py ]]; then
  say "every expression of dashboards and alerts"
  drive
  python3 tests/deploy/watching/check_queries.py --prometheus="http://127.0.0.1:$PROMETHEUS_PORT" --seconds=120 ||
    fail "expressions without data"
fi

say "what was recorded"
estuary robot disarm --bridge=bridge:5201 >/dev/null
all_sent() { (($(acknowledged) == $(recorded))); }
wait_for 60 "everything to be acknowledged" all_sent
kept "$(recorded)"
echo "$(recorded) transitions recorded, $(acknowledged) acknowledged, $(durable) on the shards' disks"

say "down"
docker rm -f "$(container probe)" >/dev/null
compose down -v >"$foreign/down.log" 2>&1 || { tail -n 5 "$foreign/down.log"; fail "docker-compose down"; }
left=$(docker ps -aq --filter "label=com.docker.compose.project=$project"
  docker network ls -q --filter "name=$project"
  docker volume ls -q --filter "name=$project")
[[ -z $left ]] || fail "down left $left"
