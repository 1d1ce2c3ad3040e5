# The cluster of deploy/compose.yaml as the test sees it, sourced after docker.sh: questions to it, and how it is hurt.
here=$source_dir/tests/deploy/compose
project=estuary-test-$$
dataset=20000 # rows

# deploy/.env, but for a busy machine that must not reach the end of the training before the test does.
configure() {
  export COMPOSE_PROJECT_NAME=$project ESTUARY_RUN=test ESTUARY_TRANSITIONS=$dataset ESTUARY_BASE=$base_image
  export ESTUARY_SETTINGS='dataset { extend: true } replay { real_capacity: 1000000 }
    budget { gradient_steps: 9000000 environment_steps: 9000000 checkpoint_every: 2000 }
    evaluation { every_epochs: 10 episodes: 1 sim_episodes: 1 }'
  # What the robot's 200 Hz need of the processors stays free.
  export ESTUARY_LEARNER_CPUS=0.8 ESTUARY_ACTOR_CPUS=0.3 ESTUARY_REPLAY_CPUS=0.5
  export ESTUARY_REPLAY_0_PORT=15001 ESTUARY_REPLAY_1_PORT=15002 ESTUARY_LEARNER_PORT=15100 ESTUARY_BRIDGE_PORT=15201
  export PROMETHEUS_PORT=19090 ALERTMANAGER_PORT=19093
  export PROMETHEUS_IMAGE=estuary-test/prometheus:bookworm
  export ALERTMANAGER_IMAGE=$PROMETHEUS_IMAGE NODE_EXPORTER_IMAGE=$PROMETHEUS_IMAGE
  # Where this machine may not give more of either, containers could not start.
  prlimit --rtprio=80 --memlock=unlimited true 2>/dev/null || export ESTUARY_BRIDGE_RTPRIO=0 ESTUARY_BRIDGE_MEMLOCK=8388608
}

compose() { docker-compose -f "$source_dir/deploy/compose.yaml" -f "$here/override.yaml" "$@" 2> >(grep -v 'sub-keys' >&2); }
container() { echo "${project}_$1_1"; }
state_of() { docker inspect --format "$2" "$(container "$1")"; }
is_healthy() { [[ $(state_of "$1" '{{.State.Health.Status}}') == healthy ]]; }

# `estuary` inside, on both networks, with the operator's certificate.
start_probe() {
  docker run -d --name "$(container probe)" --network "${project}_robot" --entrypoint sleep \
    -v "${project}_certs-operator:/etc/estuary/tls:ro" -e ESTUARY_TLS=/etc/estuary/tls estuary/tools infinity >/dev/null
  docker network connect "${project}_training" "$(container probe)"
}
estuary() { docker exec "$(container probe)" estuary "$@"; }
learner_status() { estuary status --learner=learner:5100 2>/dev/null; }
replay_status() { estuary status --replay=replay-0:5001,replay-1:5001 2>/dev/null; }
robot_status() { estuary robot status --bridge=bridge:5201 2>/dev/null; }

# A number of a report, without its commas: number PATTERN-WITH-ONE-GROUP <<<report
number() { sed -nE "s/.*$1.*/\1/p" | head -n 1 | tr -d ,; }
policy_version() { learner_status | number 'policy version +([0-9,]+)'; }
gradient_steps() { learner_status | number 'gradient steps +([0-9,]+) of'; }
recorded() { robot_status | number 'transitions +([0-9,]+) recorded'; }
acknowledged() { robot_status | number 'recorded, ([0-9,]+) acknowledged'; }
spooled() { robot_status | number 'spool +([0-9,]+) waiting'; }
# Rows of table real on the shards' disks that the dataset did not bring.
durable() { echo $(($(replay_status | number '^all +real +([0-9,]+)') - dataset)); }
environment_steps() { learner_status | number 'environment steps +([0-9,]+) of'; }

more_than() { local now; now=$("$1") && [[ -n $now ]] && ((now > $2)); }

# --- the robot ---
is_driven() { robot_status | grep -q 'is policy'; }
# A machine that is too busy for 200 Hz makes the bridge stop the robot, as it must; its operator begins again.
drive() {
  is_driven || estuary robot begin --bridge=bridge:5201 --patience=60 >/dev/null || fail "the robot is not driven: $(robot_status)"
}
# Upright under a policy for two seconds: looked at five times, |pitch| below 0.2 rad.
stands() {
  local i pitch status
  for ((i = 0; i < 5; ++i)); do
    status=$(robot_status)
    grep -q 'is policy' <<<"$status" || { drive; return 1; }
    pitch=$(sed -nE 's/ +observation +(-?[0-9.]+),.*/\1/p' <<<"$status")
    awk -v pitch="${pitch:-9}" 'BEGIN {exit !(pitch > -0.2 && pitch < 0.2)}' || return 1
    sleep .4
  done
}

# --- faults ---
# As if it had crashed: the engine sees it end and starts it again by its policy. crash SERVICE
crash() {
  local before pid
  before=$(state_of "$1" '{{.RestartCount}}')
  pid=$(state_of "$1" '{{.State.Pid}}')
  kill -9 "$pid"
  wait_for 60 "$1 to be started again" restarted "$1" "$before"
  wait_for 60 "$1 to be healthy again" is_healthy "$1"
}
restarted() { (($(state_of "$1" '{{.RestartCount}}') > $2)); }
# Nothing that was acknowledged is gone: kept COUNT
kept() {
  wait_for 60 "the shards to answer" durable
  local now
  now=$(durable)
  ((now >= $1)) || fail "the bridge had $1 transitions acknowledged, the shards hold $now"
}
