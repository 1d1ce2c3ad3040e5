#!/usr/bin/env bash
# deploy/compose.yaml as a stack on a swarm of two machines: swarm_test.sh BIN_DIR. Trains through more actors, a
# rolling update of the learner and the loss of a machine; a sweep runs as a job on both.
source "$(dirname "$0")/../lib.sh"
source "$(dirname "$0")/../docker.sh"
source "$(dirname "$0")/nodes.sh"
source "$(dirname "$0")/images.sh"
bin=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
trap stop_nodes EXIT

install_docker
say "what becomes of the compose file"
/usr/bin/python3 "$here/stack_test.py" 2>"$nodes_root/stack_test.log" || { cat "$nodes_root/stack_test.log"; fail "stack_test.py"; }
mount_cgroups
need_engine
start_node manager 10.99.0.1
start_node worker 10.99.0.2
export DOCKER_HOST=unix://$nodes_root/manager/docker.sock

say "a swarm of two machines"
on manager swarm init --advertise-addr 10.99.0.1 --listen-addr 10.99.0.1:2377 >/dev/null
on worker swarm join --token "$(on manager swarm join-token -q worker)" --advertise-addr 10.99.0.2 \
  --listen-addr 10.99.0.2:2377 10.99.0.1:2377 >/dev/null
expect '^worker Ready' "$(on manager node ls --format '{{.Hostname}} {{.Status}}')"

say "images"
# A name that no public registry could answer for.
export ESTUARY_IMAGES=127.0.0.1:5000/estuary ESTUARY_TAG=test
make_base_image
make_images "$bin" "$ESTUARY_IMAGES" "$ESTUARY_TAG"
docker save "$ESTUARY_IMAGES"/{actor,sweep}:test | on worker load >/dev/null

say "the stack"
export ESTUARY_RUN=swarm ESTUARY_TRANSITIONS=5000 ESTUARY_ACTORS=1 ESTUARY_LEARNER_CPUS=2
export ESTUARY_BRIDGE_RTPRIO=0 ESTUARY_BRIDGE_MEMLOCK=8388608
# Longer than this test is.
export ESTUARY_SETTINGS='budget { gradient_steps: 50000000 environment_steps: 50000000 }'
folder=$nodes_root/stack
deploy() {
  docker-compose -f "$source_dir/deploy/compose.yaml" config |
    "$source_dir/deploy/swarm/stack" "$folder" --without=prometheus,alertmanager,grafana,node-exporter "${places[@]}" |
    docker stack deploy --resolve-image never -c - estuary
}
places=()
for service in replay-0 replay-1 learner bridge robot operator import; do places+=("--place=$service=manager"); done
(cd "$source_dir" && deploy) >"$nodes_root/deploy.log" 2>&1 || { cat "$nodes_root/deploy.log"; fail "docker stack deploy"; }

replicas() { on manager service ls --filter "name=estuary_$1" --format '{{.Replicas}}'; }
runs() { [[ $(replicas "$1") == "$2" ]]; }
nodes_of() {
  on manager service ps "estuary_$1" --filter desired-state=running --format '{{.Node}} {{.CurrentState}}' |
    awk '$2 == "Running" {print $1}' | sort -u | xargs
}
status() {
  docker run --rm --network=estuary_training --volume="$folder/certs/operator:/etc/estuary/tls:ro" --user=0:0 \
    "$ESTUARY_IMAGES/tools:test" status --learner=learner:5100 --tls=/etc/estuary/tls 2>&1
}
version() { status | awk '/policy version/ {gsub(",", "", $3); print $3; found = 1} END {if (!found) print 0}'; }
# The policy gets newer twice: the first version may have been under way.
trains_on() {
  local before
  before=$(version)
  wait_for "$1" "policy versions beyond $before, $2" newer $((before + 2))
  say "policy version $(version), $2"
}
newer() { (($(version) >= $1)); }

diagnose() {
  local service
  on manager stack ps estuary --no-trunc --format '{{.Name}} {{.Node}} {{.CurrentState}} {{.Error}}'
  for service in estuary_{learner,replay-0,actor,import} sweep; do
    echo "--- $service"
    on manager service logs --tail 5 "$service" 2>&1 | cut -c1-300
  done
  stop_nodes
}
trap 'code=$?; ((code == 0 || code == 77)) && stop_nodes || diagnose' EXIT

for service in replay-0 replay-1 learner actor evaluator bridge robot; do
  wait_for 180 "service $service to be healthy" runs "$service" 1/1
done
trains_on 120 "with one actor"

say "actors: 1 to 4"
on manager service scale --detach estuary_actor=4 >/dev/null
wait_for 90 "four actors" runs actor 4/4
[[ $(nodes_of actor) == "manager worker" ]] || fail "four actors run on '$(nodes_of actor)', not on both machines"
trains_on 60 "with four actors on two machines"

say "a sweep as a job"
source "$here/sweep.sh"

say "a rolling update of the learner"
before=$(version)
on manager service update --detach --force estuary_learner >/dev/null
updated() { [[ $(on manager service inspect estuary_learner --format '{{.UpdateStatus.State}}') == completed ]]; }
wait_for 120 "the update of the learner" updated
(($(version) >= before)) || fail "the updated learner began anew: version $(version) after $before"
trains_on 60 "after the learner's update"

say "loss of a machine"
pull_plug worker
lost() { [[ $(on manager node ls --filter name=worker --format '{{.Status}}') == Down ]]; }
wait_for 90 "the manager to see that the worker is lost" lost
wait_for 90 "four actors on what is left" runs actor 4/4
[[ $(nodes_of actor) == manager ]] || fail "actors run on '$(nodes_of actor)' after the worker is lost"
trains_on 60 "after the loss of a machine"

say "the end of the stack"
on manager stack rm estuary >/dev/null
left() {
  local label=com.docker.stack.namespace=estuary
  on manager ps -aq --filter "label=$label"
  on manager network ls -q --filter "label=$label"
  on manager service ls -q
  on manager secret ls -q
  on manager config ls -q
}
gone() { [[ -z $(left) ]]; }
wait_for 90 "the end of containers, networks, services, secrets and configs" gone
# What a stack leaves is data, which goes when it is told to.
on manager volume rm $(on manager volume ls -q --filter label=com.docker.stack.namespace=estuary) >/dev/null
[[ -z $(on manager volume ls -q) ]] || fail "volumes are left: $(on manager volume ls -q)"
say "done in $SECONDS s"
